"""Tornado and autocron without an adapter. Start it with ``python application.py``."""

import asyncio
import os

import tornado.web
from utils import weigh_sources

import autocron


class MainHandler(tornado.web.RequestHandler):
    def get(self) -> None:
        handle = weigh_sources()  # nothing to await: it stores a job and returns
        self.write(f"A worker weighs the sources. Ask for the result with {handle.uuid}\n")


def make_app() -> tornado.web.Application:
    return tornado.web.Application([(r"/", MainHandler)])


async def main() -> None:
    autocron.start("the_tornado_app.db")
    make_app().listen(int(os.environ.get("PORT", "8888")), address=os.environ.get("HOST"))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
