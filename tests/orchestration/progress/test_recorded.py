"""The record of what stages took: per machine, whole runs only, and never a reason to stop."""

from pathlib import Path

import pytest

from orchestration.progress.recorded import StageSeconds, Took, this_machine


def run(record: StageSeconds, stage: str, seconds: float, units: float = 10.0) -> None:
    record.begin(stage)
    record.end(stage, Took(seconds, units))


def test_what_was_written_is_read_on_the_same_machine_only(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "seconds.json"
    run(StageSeconds(path, "mine"), "captions", 12.345)
    assert StageSeconds(path, "mine").of_this_machine() == {"captions": Took(12.35, 10.0)}
    assert StageSeconds(path, "other").of_this_machine() == {}
    run(StageSeconds(path, "other"), "captions", 99.0)
    assert StageSeconds(path, "mine").of_this_machine()["captions"].seconds == 12.35


def test_a_run_that_goes_on_after_an_interruption_is_not_kept(tmp_path: Path) -> None:
    record = StageSeconds(tmp_path / "seconds.json")
    record.begin("world_model")  # and killed
    run(record, "world_model", 5.0)
    assert record.of_this_machine() == {}
    run(record, "world_model", 300.0)
    assert record.of_this_machine()["world_model"].seconds == 300.0


def test_a_run_from_caches_does_not_replace_a_whole_one(tmp_path: Path) -> None:
    record = StageSeconds(tmp_path / "seconds.json")
    run(record, "extracted_traces", 150.0)
    run(record, "extracted_traces", 8.0)
    assert record.of_this_machine()["extracted_traces"].seconds == 150.0
    run(record, "extracted_traces", 120.0)
    assert record.of_this_machine()["extracted_traces"].seconds == 120.0
    run(record, "extracted_traces", 8.0, units=1.0)
    assert record.of_this_machine()["extracted_traces"] == Took(8.0, 1.0)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"m": 3}', '{"m": {"took": []}}', '{"m": {"took": {"model": 1}}}']
)
def test_a_damaged_record_counts_as_empty_and_is_written_anew(content: str, tmp_path: Path) -> None:
    path = tmp_path / "seconds.json"
    path.write_text(content)
    record = StageSeconds(path, "m")
    assert record.of_this_machine() == {}
    run(record, "captions", 3.0)
    run(record, "model", 4.0)
    assert record.of_this_machine() == {"captions": Took(3.0, 10.0), "model": Took(4.0, 10.0)}


def test_a_machine_has_a_name() -> None:
    assert "cores" in this_machine()
