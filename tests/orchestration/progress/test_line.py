"""The progress of the chain, with a clock of our own and on a terminal of our own."""

import io
import logging
import os
import pty
from pathlib import Path

import pytest

from orchestration.progress.line import BottomLine, ChainProgress
from orchestration.progress.listening import Listener, progress_of_dvc
from orchestration.progress.plan import VARIABLE, Plan
from orchestration.progress.recorded import StageSeconds, Took

PLAN = Plan(
    ("data", "check", "model", "report"), {"model": 600.0, "report": 60.0}, {"model": 5.0, "report": 0.0}
)


class Clock:
    """Time that passes when we say so."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def record(tmp_path: Path) -> StageSeconds:
    return StageSeconds(tmp_path / "seconds.json")


def test_a_line_at_the_start_and_the_end_of_each_stage(clock: Clock, record: StageSeconds) -> None:
    out = io.StringIO()
    progress = ChainProgress(PLAN, record, out, clock)
    progress.skip("data")
    progress.skip("check")
    progress.begin("model")
    clock.now_s += 600
    progress.begin("report")
    clock.now_s += 61
    progress.end()
    assert out.getvalue().splitlines() == [
        "[3/4] model … about 11 minutes left",
        "[3/4] model done in 10:00; about 1 minute left",
        "[4/4] report … about 1 minute left",
        "[4/4] report done in 1:01; nearly done",
    ]
    assert record.of_this_machine() == {"model": Took(600.0, 5.0), "report": Took(61.0, 0.0)}


def test_the_live_line_counts_down_within_a_stage(clock: Clock, record: StageSeconds) -> None:
    progress = ChainProgress(PLAN, record, io.StringIO(), clock)
    assert progress.now() == "starting  0:00 so far, about 11 minutes left"
    progress.begin("model")
    clock.now_s += 240
    assert progress.now() == "[3/4] model  4:00 so far, about 7 minutes left"
    clock.now_s += 3360  # six times as long as foreseen: so will be what comes after
    assert progress.now() == "[3/4] model  60:00 so far, about 6 minutes left"


def test_a_run_that_is_slower_than_foreseen_expects_no_better_of_the_rest(
    clock: Clock, record: StageSeconds
) -> None:
    plan = Plan(("a", "b"), {"a": 300.0, "b": 600.0}, {})
    progress = ChainProgress(plan, record, io.StringIO(), clock)
    progress.begin("a")
    clock.now_s += 600  # twice as long
    progress.begin("b")
    assert progress.now().endswith("about 20 minutes left")


def test_a_stage_that_did_not_end_leaves_no_time(clock: Clock, record: StageSeconds) -> None:
    progress = ChainProgress(PLAN, record, io.StringIO(), clock)
    progress.begin("model")
    assert record.of_this_machine() == {}


def test_what_dvc_says_is_heard(clock: Clock, record: StageSeconds) -> None:
    out = io.StringIO()
    logger = logging.Logger("dvc.stage.run")
    logger.addHandler(Listener(ChainProgress(PLAN, record, out, clock)))
    logger.info("Stage '%s' didn't change, skipping", "data")
    logger.info("Stage '%s' is cached - skipping run, checking out outputs", "check")
    logger.info("Running stage '%s':", "model")
    logger.info("> python -m something 'model'")
    logger.info("Running stage '%s':", "dvc.yaml:report")
    assert [line.split(" … ")[0].split(" done")[0] for line in out.getvalue().splitlines()] == [
        "[3/4] model", "[3/4] model", "[4/4] report"
    ]  # fmt: skip


def test_without_a_plan_nothing_is_shown() -> None:
    with progress_of_dvc({}) as progress:
        assert progress is None
    before = list(logging.getLogger("dvc").handlers)
    with progress_of_dvc({VARIABLE: PLAN.to_json()}) as progress:
        assert progress is not None
    assert logging.getLogger("dvc").handlers == before


def test_the_bottom_row_is_taken_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as stream:
        monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((20, 24)))
        with BottomLine(lambda: "a line that is longer than the terminal", stream):
            pass
        taken, drawn, given_back = "\x1b[1;23r", "\x1b[24;1H\x1b[2K\x1b[7ma line that is long", "\x1b[r"
        written = ""
        while not (given_back in written and written.endswith("\x1b8")):  # a terminal hands on piece by piece
            written += os.read(ours, 4096).decode()
    os.close(ours)
    assert written.index(taken) < written.index(drawn) < written.index(given_back)
    assert "longer" not in written
    assert written.count("\x1b7") == written.count("\x1b8") == 3


def test_a_file_gets_no_live_line(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream, BottomLine(lambda: "x", stream):
        pass
    assert (tmp_path / "log").read_text() == ""
