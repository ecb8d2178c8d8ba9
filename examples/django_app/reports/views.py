"""Reports are ordered, and asked for with their uuid."""

import os
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

import autocron
from reports.tasks import build_report

PAGE = """<!doctype html>
<title>Reports</title>
<h1>Reports, built in the background</h1>
<p>Order one, then ask for it with the uuid that comes back:</p>
<pre>
curl -d title=sales -d seconds=2 {address}reports
curl {address}reports/UUID
</pre>
"""


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    return HttpResponse(PAGE.format(address=request.build_absolute_uri("/")))


@csrf_exempt  # so that curl may do it; a form of your own site keeps its token
@require_POST
def order(request: HttpRequest) -> HttpResponse:
    given = {**request.GET.dict(), **request.POST.dict()}
    try:
        title, seconds = str(given["title"]), float(given.get("seconds", 0))
    except (KeyError, ValueError):
        return JsonResponse({"error": "give a title, and seconds as a number"}, status=400)
    handle = build_report(title, seconds)
    return JsonResponse({"uuid": handle.uuid, "pid": os.getpid()}, status=202)


@require_GET
def show(request: HttpRequest, uuid: UUID) -> HttpResponse:
    try:
        handle = autocron.TaskResult.get(str(uuid))
    except autocron.JobNotFoundError:
        raise Http404(f"there is no report {uuid}") from None
    return JsonResponse({"status": handle.status, "result": handle.result, "error": handle.error_message, "pid": os.getpid()})
