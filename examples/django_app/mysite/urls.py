"""The pages."""

from django.urls import path

from reports import views

urlpatterns = [
    path("", views.index),
    path("reports", views.order),
    path("reports/<uuid:uuid>", views.show),
]
