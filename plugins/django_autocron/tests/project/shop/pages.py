"""One page: POST the name of a function of ``shop.requests`` and its arguments, get what it returns."""

import json

from django.http import JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from shop import requests


@csrf_exempt
def do(request, name: str):
    return JsonResponse({"answer": getattr(requests, name)(*json.loads(request.body))})


urlpatterns = [path("do/<name>", do)]
