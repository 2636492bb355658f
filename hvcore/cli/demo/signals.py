"""Signals during the tour: a request to end is heard once, and never in the middle of taking down."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from types import FrameType

__all__ = ["ending_politely", "undisturbed"]

_Handler = Callable[[int, FrameType | None], object] | signal.Handlers


@contextmanager
def ending_politely() -> Generator[None]:
    """Let a request to end be what Ctrl-C is, so that everything is taken down first."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handling({signal.SIGTERM: interrupt, signal.SIGHUP: interrupt}):
        yield


@contextmanager
def undisturbed() -> Generator[None]:
    """Let no impatient Ctrl-C leave half of the body undone."""
    with _handling(dict.fromkeys((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), signal.SIG_IGN)):
        yield


@contextmanager
def _handling(handlers: Mapping[signal.Signals, _Handler]) -> Generator[None]:
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
