"""One line for the whole chain: which stage of how many, how long so far, about how long to go.

In a log it is a line at the start and at the end of each stage. On a terminal it is also a live line at the
bottom, below a region in which everything else scrolls as usual, the bars of the stages too: the way in which
apt shows its progress (scroll region, DECSTBM; cursor saved and put back around every change).
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

from orchestration.progress.forecast import minutes
from orchestration.progress.plan import Plan
from orchestration.progress.recorded import StageSeconds, Took

EVERY_S = 1.0
FEWEST_ROWS = 8  # of a terminal that is worth losing one of


class ChainProgress:
    """Told when stages begin and end, it says how far the chain is.

    Args:
        plan: What was foreseen.
        record: Where the seconds of stages that ended are kept.
        stream: Where lines go.
        clock: Seconds.
    """

    def __init__(
        self,
        plan: Plan,
        record: StageSeconds,
        stream: TextIO = sys.stderr,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plan, self._record, self._stream, self._clock = plan, record, stream, clock
        self._began_s = self._stage_began_s = clock()
        self._stage: str | None = None
        self._left = dict(plan.seconds)
        self._pace = 1.0  # real seconds by foreseen ones, of the stages that ended
        self._spent_s = self._foreseen_s = 0.0

    def begin(self, stage: str) -> None:
        """A stage starts; the one before it has ended well, or DVC would have stopped."""
        self.end()
        if stage not in self._plan.stages:
            return
        self._stage, self._stage_began_s = stage, self._clock()
        self._record.begin(stage)
        self._say(f"{self._place()} {stage} … {self._to_go()}")

    def skip(self, stage: str) -> None:
        """A stage is up to date, or its result was found in DVC's cache."""
        self.end()
        self._left.pop(stage, None)

    def end(self) -> None:
        """The stage that was running has come to its end."""
        if self._stage is None:
            return
        stage, took_s = self._stage, self._clock() - self._stage_began_s
        self._stage = None
        foreseen_s = self._left.pop(stage, 0.0)
        self._spent_s, self._foreseen_s = self._spent_s + took_s, self._foreseen_s + foreseen_s
        if foreseen_s:  # a quarter of the run teaches how wrong the forecast was
            weight = min(1.0, 4 * self._foreseen_s / (sum(self._plan.seconds.values()) or 1.0))
            self._pace = 1 + weight * (self._spent_s / self._foreseen_s - 1)
        self._record.end(stage, Took(took_s, self._plan.units.get(stage, 0.0)))
        self._say(f"{self._place(stage)} {stage} done in {_clock_text(took_s)}; {self._to_go()}")

    def now(self) -> str:
        """The live line."""
        at = f"{self._place()} {self._stage}  " if self._stage else "starting  "
        return f"{at}{_clock_text(self._clock() - self._began_s)} so far, {self._to_go()}"

    def _place(self, stage: str | None = None) -> str:
        name = stage or self._stage or self._plan.stages[0]
        return f"[{self._plan.stages.index(name) + 1}/{len(self._plan.stages)}]"

    def _to_go(self) -> str:
        after_s = sum(seconds for name, seconds in self._left.items() if name != self._stage)
        foreseen_s, spent_s = self._left.get(self._stage or "", 0.0), self._clock() - self._stage_began_s
        pace = self._pace
        if self._stage and spent_s > pace * foreseen_s > 0:  # it is slower than foreseen; so is what follows
            pace = (self._spent_s + spent_s) / (self._foreseen_s + foreseen_s)
        left_s = pace * after_s + (max(0.0, pace * foreseen_s - spent_s) if self._stage else 0.0)
        if not left_s:
            return "nearly done"
        return f"about {minutes(self._plan.low * left_s, self._plan.high * left_s)} left"

    def _say(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()


def _clock_text(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


class BottomLine:
    """A live line in the last row of a terminal; nothing on anything else.

    Args:
        text: Gives the line.
        stream: The terminal.
    """

    def __init__(self, text: Callable[[], str], stream: TextIO = sys.stderr) -> None:
        self._text, self._stream = text, stream
        self._rows = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)

    def __enter__(self) -> "BottomLine":
        """Take the last row."""
        if self._stream.isatty() and os.environ.get("TERM", "dumb") != "dumb":
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Give the row back."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._rows:
            # the whole screen scrolls again; saved cursor, because setting a region moves it home
            self._write(f"\x1b7\x1b[r\x1b[{self._rows};1H\x1b[2K\x1b8")

    def _live(self) -> None:
        while True:
            self._draw()
            if self._stopped.wait(EVERY_S):
                return

    def _draw(self) -> None:
        columns, rows = os.get_terminal_size(self._stream.fileno())
        if rows < FEWEST_ROWS:
            return
        if rows != self._rows:  # at the start, and when the window has changed
            self._rows = rows
            self._write(f"\n\x1b7\x1b[1;{rows - 1}r\x1b8\x1b[1A")
        line = self._text()[: columns - 1]
        self._write(f"\x1b7\x1b[{rows};1H\x1b[2K\x1b[7m{line}\x1b[0m\x1b8")

    def _write(self, text: str) -> None:
        os.write(self._stream.fileno(), text.encode())  # in one piece: others write to this terminal too
