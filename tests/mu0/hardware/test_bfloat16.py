"""Asked by measuring; one answer per process and per training; both answers give the same results."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from mu0.hardware import bfloat16
from mu0.hardware.bfloat16 import has_fast_bfloat16, settle, settle_for_training, settled_as, time_ratio

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(bfloat16, "_settled", {})
    bfloat16._measured.cache_clear()
    yield
    bfloat16._measured.cache_clear()


@pytest.mark.parametrize(
    ("ratio", "is_fast"), [(0.5, True), (1.6, False), (30.0, False), (float("inf"), False)]
)
def test_the_faster_one_is_taken_and_said_once(
    ratio: float, is_fast: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bfloat16, "time_ratio", lambda: ratio)
    with caplog.at_level(logging.INFO):
        assert [has_fast_bfloat16(CPU) for _ in range(3)] == [is_fast] * 3
    assert len(caplog.messages) == 1
    assert ("in bfloat16" if is_fast else "in float32") in caplog.messages[0]


def test_the_answer_does_not_change_within_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    ratios = iter([0.9, 1.1])
    monkeypatch.setattr(bfloat16, "time_ratio", lambda: next(ratios))
    assert has_fast_bfloat16(CPU)
    assert settle("auto", CPU) == "bfloat16"


def test_a_choice_needs_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bfloat16, "time_ratio", None)
    for choice in ("float32", "bfloat16"):
        assert settle(choice, CPU) == choice
        assert has_fast_bfloat16(CPU) == (choice == "bfloat16")


def test_a_block_leaves_the_answer_as_it_was() -> None:
    settle("float32", CPU)
    with settled_as("bfloat16", CPU):
        assert has_fast_bfloat16(CPU)
    assert not has_fast_bfloat16(CPU)


def test_a_training_goes_on_as_it_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bfloat16, "time_ratio", lambda: 0.5)
    assert settle_for_training("auto", CPU, tmp_path / "one") == "bfloat16"
    bfloat16._measured.cache_clear()
    monkeypatch.setattr(bfloat16, "time_ratio", lambda: 2.0)
    assert settle_for_training("auto", CPU, tmp_path / "one") == "bfloat16"
    assert settle_for_training("auto", CPU, tmp_path / "two") == "float32"


def test_measuring_disturbs_nothing_and_is_not_disturbed() -> None:
    n_threads, state = torch.get_num_threads(), torch.get_rng_state()
    with torch.device("meta"), torch.autocast("cpu", torch.bfloat16):
        ratio = time_ratio()
    assert 0.01 < ratio < 1000
    assert torch.get_num_threads() == n_threads
    assert torch.equal(torch.get_rng_state(), state)


def test_without_a_kernel_float32_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("not implemented for 'BFloat16'")

    monkeypatch.setattr(bfloat16.functional, "conv2d", refuse)
    assert time_ratio() == float("inf")
    assert not has_fast_bfloat16(CPU)


def test_a_gpu_is_asked_for_its_units(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def has_units(including_emulation: bool = True) -> bool:
        asked.append(including_emulation)
        return True

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", has_units)
    assert has_fast_bfloat16(torch.device("cuda"))
    assert asked == [False]
    assert not has_fast_bfloat16(torch.device("meta"))
