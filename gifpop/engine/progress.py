"""Progress bars."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm
    from typing_extensions import Self

SHOW_PROGRESS_AFTER = 2.0  # s


class Bar:
    """A progress bar that stops if it cannot be shown, without ending the run.

    Parameters
    ----------
    make : callable or None
        Returns what shows the progress; None: nothing does.
    delay : float, s
        After which it is called.
    """

    def __init__(self, make: Callable[[], tqdm[NoReturn]] | None, delay: float) -> None:
        self._make, self._delay, self._began = make, delay, time.perf_counter()
        self._bar: tqdm[NoReturn] | None = None
        self._done = 0
        self.update(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._drop()

    def update(self, n: int = 1) -> None:
        """Advance by ``n`` units."""
        self._done += n
        try:
            if self._bar is not None:
                self._bar.update(n)
            elif self._make is not None and time.perf_counter() >= self._began + self._delay:
                self._show(self._make)
        except Exception:  # the terminal has gone, the file was closed, the notebook's widgets are broken
            self._drop()

    def _show(self, make: Callable[[], tqdm[NoReturn]]) -> None:
        self._make, self._bar = None, make()
        if not self._bar.disable:
            self._bar.start_t -= time.perf_counter() - self._began
            self._bar.n = self._done
            self._bar.refresh()

    def _drop(self) -> None:
        bar, self._bar, self._make = self._bar, None, None
        if bar is not None:
            with suppress(Exception):
                bar.close()


def progress_bar(total: int, label: str, unit: str, progress: bool | None) -> Bar:
    """Return a progress bar; ``progress`` None shows it after two seconds if standard error is a terminal."""
    if progress is False or sys.stderr is None or (progress is None and not _is_terminal(sys.stderr)):
        return Bar(None, 0.0)

    def make() -> tqdm[NoReturn]:
        from tqdm.auto import tqdm  # slow to import, and few runs are long

        class Unwatched(tqdm):  # type: ignore[type-arg]  # without a thread, whose memory nobody foresees
            monitor_interval = 0

        return Unwatched(
            total=total,
            desc=label,
            unit=unit,
            unit_scale=True,
            mininterval=0.1,
            leave=bool(progress),
        )

    return Bar(make, 0.0 if progress else SHOW_PROGRESS_AFTER)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, OSError, ValueError):  # something that stands for it, has gone, or is closed
        return False
