"""Reports that are built in the background. Start it with ``python application.py``."""

import asyncio
import os
import socket

import tornado.httpserver
import tornado.netutil
import tornado.process
import tornado.web

import autocron
import tasks
import tornado_autocron

PAGE = """Reports are built by worker processes, while this server answers.

Order one:           curl -d title=Sales -d seconds=3 {url}/reports
See how far it is:   curl {url}/reports/<uuid>
"""


class Index(tornado.web.RequestHandler):
    def get(self) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.write(PAGE.format(url=f"{self.request.protocol}://{self.request.host}"))


class Order(tornado.web.RequestHandler):
    def post(self) -> None:
        try:
            title, seconds = self.get_argument("title"), float(self.get_argument("seconds", "0"))
        except ValueError:
            raise tornado.web.HTTPError(400, reason="seconds must be a number") from None
        handle = tasks.build_report(title, seconds)  # nothing to await: it stores a job and returns
        self.set_status(202)
        self.write({"uuid": handle.uuid, "pid": os.getpid()})


class Show(tornado.web.RequestHandler):
    def get(self, uuid: str) -> None:
        try:
            handle = autocron.TaskResult.get(uuid)
        except autocron.JobNotFoundError:
            raise tornado.web.HTTPError(404) from None
        status = handle.status  # first: the job goes on while it is looked at, but what has ended stays as it is
        self.write({"status": status, "result": handle.result, "error": handle.error_message, "pid": os.getpid()})


def make_app() -> tornado.web.Application:
    pages = [(r"/", Index), (r"/reports", Order), (r"/reports/([^/]+)", Show)]
    return tornado.web.Application(pages, autoreload=bool(os.environ.get("RELOAD")))


async def main(sockets: list[socket.socket]) -> None:
    async with tornado_autocron.running("reports.db"):
        tornado.httpserver.HTTPServer(make_app()).add_sockets(sockets)
        await asyncio.Event().wait()


if __name__ == "__main__":
    listening = tornado.netutil.bind_sockets(int(os.environ.get("PORT", "8888")), os.environ.get("HOST", "127.0.0.1"))
    if (processes := int(os.environ.get("PROCESSES", "1"))) > 1:
        tornado.process.fork_processes(processes)
    asyncio.run(main(listening))
