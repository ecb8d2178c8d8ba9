from django.db import models


class Order(models.Model):
    name = models.CharField(max_length=50)


class Told(models.Model):
    """What a receiver of a signal was told."""

    signal = models.CharField(max_length=50)
    result = models.CharField(max_length=50)
    status = models.CharField(max_length=50)
