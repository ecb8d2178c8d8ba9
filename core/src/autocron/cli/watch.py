"""``watch``: the status, live. On a terminal one screen that is drawn anew in place; in a pipe one look after the other."""

from __future__ import annotations

import contextlib
import functools
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator

from autocron import clock
from autocron.cli.running import FINE, Context
from autocron.cli.shapes import overview_shape
from autocron.cli.status import show_overview
from autocron.cli.terminal import Terminal

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"  # a screen of its own, no cursor, long lines are cut instead of wrapped
_LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"
_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"
_PIECE = 0.5  # seconds
_QUIT = {b"q", b"Q", b"\x04"}


def watch(context: Context) -> int:
    """Until q or Ctrl-C is typed, or so many looks were asked for. What was seen last stays on the terminal."""
    terminal, options = context.terminal, context.options
    if terminal.as_json or not terminal.can_draw:
        return _watch_in_a_pipe(context)
    seen: list[str] = []
    left = options.count
    with _screen(terminal), contextlib.suppress(KeyboardInterrupt), _keys() as key_within:
        while True:
            overview = context.operations.status()
            seen = terminal.captured(functools.partial(show_overview, terminal, overview))
            _draw(terminal, seen, f"every {options.interval:g} s; q or Ctrl-C ends")
            left = None if left is None else left - 1
            if left == 0 or key_within(options.interval) in _QUIT:
                break
    for line in seen:
        terminal.line(line)
    return FINE


def _watch_in_a_pipe(context: Context) -> int:
    terminal, left = context.terminal, context.options.count
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            overview = context.operations.status()
            if terminal.as_json:
                terminal.json(overview_shape(overview), compact=True)
            else:
                show_overview(terminal, overview)
                terminal.line()
            terminal.stream.flush()
            left = None if left is None else left - 1
            if left == 0:
                break
            _sleep(context.options.interval)
    return FINE


def _draw(terminal: Terminal, lines: list[str], footer: str) -> None:
    """In one write over what is there, so that nothing flickers. What doesn't fit is left out, from the end."""
    height = terminal.height
    if len(lines) >= height:
        lines = [*lines[: max(height - 2, 0)], f"… {len(lines) - height + 2} more lines"]
    lines = [*lines, terminal.paint(footer, "dim")]
    terminal.stream.write(_HOME + "\r\n".join(f"{line}{_REST_OF_LINE}" for line in lines[:height]) + _REST_OF_SCREEN)
    terminal.stream.flush()


@contextlib.contextmanager
def _screen(terminal: Terminal) -> Iterator[None]:
    """The terminal's other screen; whatever happens, the first one comes back as it was."""
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    terminal.stream.write(_ENTER)
    try:
        yield
    finally:
        terminal.stream.write(_LEAVE)
        terminal.stream.flush()
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _keys() -> Iterator[Callable[[float], bytes]]:
    """A function that waits so many seconds for a key: the key, or b"" if none was typed. Keys come without Enter."""
    if not sys.stdin.isatty():
        yield _no_key_within
        return
    import termios
    import tty

    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    try:
        tty.setcbreak(keyboard)
        yield functools.partial(_key_within, keyboard)
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


def _key_within(keyboard: int, seconds: float) -> bytes:
    for piece in _pieces(seconds):
        if select.select([keyboard], [], [], piece)[0]:
            return os.read(keyboard, 1) or b"q"
    return b""


def _no_key_within(seconds: float) -> bytes:
    _sleep(seconds)
    return b""


def _sleep(seconds: float) -> None:
    for piece in _pieces(seconds):
        time.sleep(piece)


def _pieces(seconds: float) -> Iterator[float]:
    """Short ones: a Ctrl-C that comes just before a sleep begins is only noticed after it. At least one."""
    deadline = clock.monotonic() + seconds
    yield min(max(seconds, 0.0), _PIECE)
    while (left := deadline - clock.monotonic()) > 0:
        yield min(left, _PIECE)
