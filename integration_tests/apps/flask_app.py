from flask import Flask

import autocron
import tasks

app = Flask(__name__)
autocron.start(tasks.DATABASE)


@app.route("/<path:path>")
def page(path: str) -> str:
    return tasks.answer(path)


if __name__ == "__main__":
    import os

    app.run(debug=True, port=int(os.environ["PORT"]))
