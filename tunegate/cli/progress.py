"""How far long work is: a bar on a terminal, now and then a line in a log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from evals.durations import elapsed
from evals.text import visible, visible_markup

if TYPE_CHECKING:
    from rich.console import Console

Report = Callable[[str, float], None]
"""Called with how far work is, in words (`120 of 254`), and as a share in [0, 1]."""

PAUSE = 30.0
"""Seconds between two lines about the same work in a log."""

_BAR = 24
_SHORTEST_BAR = 8
_COUNT = 16  # screen columns kept for words such as `1,200 of 20,000`
_TIME = 8  # screen columns of `0:12:48` and a gap


@contextmanager
def logged(label: str, say: Callable[[str], None], pause: float | None = None) -> Iterator[Report]:
    """A line as work begins, one every `pause` seconds (`PAUSE`), and one as it ends.

    Lines come on time however rarely the work reports: whoever follows a log sees that it is
    alive. Work that ends by an error has no last line: the error is told after it.
    """
    began, reached, ended = time.monotonic(), [""], threading.Event()
    every = PAUSE if pause is None else pause

    def tell_on_time() -> None:
        while not ended.wait(every):
            try:
                say(f"{label}: {reached[0] or 'at work'}, {elapsed(time.monotonic() - began)}")
            except OSError:  # nobody reads any more, which the command itself finds out
                return

    def report(how_far: str, _share: float) -> None:
        reached[0] = how_far

    say(f"{label} ...")
    teller = threading.Thread(target=tell_on_time, name="progress", daemon=True)
    teller.start()
    try:
        yield report
    finally:
        ended.set()
        teller.join()
    say(f"{label}: {reached[0] or 'done'} in {elapsed(time.monotonic() - began)}")


@contextmanager
def barred(label: str, console: Console, width: int) -> Iterator[Report]:
    """A bar that moves, no wider than `width`; the label stands above it where it is long."""
    from rich.progress import (
        BarColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    shown = Text(visible(label))
    is_long = shown.cell_len + 1 + _COUNT + _TIME > width
    if is_long:
        console.print(shown, width=width)
    room = width - (0 if is_long else shown.cell_len + 1) - _COUNT - 2 * _TIME - 1
    columns: list[ProgressColumn] = [] if is_long else [TextColumn("{task.description}")]
    if room >= _SHORTEST_BAR:
        columns += [BarColumn(bar_width=min(room, _BAR)), TextColumn("{task.fields[how_far]}")]
        columns += [TimeElapsedColumn(), TimeRemainingColumn()]
    else:
        columns += [TextColumn("{task.fields[how_far]}"), TimeElapsedColumn()]
    with Progress(*columns, console=console, transient=False) as bar:
        task = bar.add_task(visible_markup(label), total=None, how_far="")
        yield lambda how_far, share: bar.update(task, completed=share, total=1.0, how_far=how_far)
