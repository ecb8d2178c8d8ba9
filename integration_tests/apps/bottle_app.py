import os

import bottle

import autocron
import tasks


@bottle.route("/<path:path>")
def page(path: str) -> str:
    return tasks.answer(path)


autocron.start(tasks.DATABASE)
bottle.run(host="127.0.0.1", port=int(os.environ["PORT"]), reloader=True)
