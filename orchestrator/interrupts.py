"""Interruptions: SIGINT and SIGTERM end a command as one KeyboardInterrupt, wherever they come."""

import os
import signal
import sys
from typing import Any

ENDING = b"\nending; once more leaves at once, and what is stored stays\n"
# until the callback is over that swallowed an interruption
SOON_SECONDS = 0.1

_received: list[int] = []
_hook = sys.unraisablehook


def listen() -> None:
    """Take the signals of this process."""
    _received.clear()
    _handle(_begin)
    signal.signal(signal.SIGALRM, _raise)
    sys.unraisablehook = _raise_again


def status() -> int:
    """Return the exit status of a command that was interrupted: 130, or 143 for SIGTERM."""
    return 128 + (_received or [signal.SIGINT])[0]


def _handle(handler: Any) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def _begin(number: int, _frame: object) -> None:
    _received.append(number)
    # what is done at the end is not broken off by the next
    _handle(_second)
    raise KeyboardInterrupt


def _second(_number: int, _frame: object) -> None:
    _handle(_leave)
    os.write(2, ENDING)


def _leave(_number: int, _frame: object) -> None:
    os._exit(status())


def _raise(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _raise_again(unraisable: Any) -> None:
    """Raise an interruption once more that came up in a callback, after which Python goes on."""
    if unraisable.exc_type is KeyboardInterrupt:
        signal.setitimer(signal.ITIMER_REAL, SOON_SECONDS)
    else:
        _hook(unraisable)
