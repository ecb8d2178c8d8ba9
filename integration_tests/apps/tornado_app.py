import asyncio
import os

import tornado.web

import autocron
import tasks


class Page(tornado.web.RequestHandler):
    def get(self, path: str) -> None:
        self.write(tasks.answer(path))


async def main() -> None:
    autocron.start(tasks.DATABASE)
    tornado.web.Application([(r"/(.*)", Page)], autoreload=True).listen(int(os.environ["PORT"]), "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
