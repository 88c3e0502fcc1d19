"""Clock time survives the re-timing: source frames of steps, and traces back on the clock."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mu0.episodes.clock import (
    kept_frame_of_steps,
    positions_at,
    seconds_of_steps,
    source_frame,
    source_frame_of_steps,
)
from mu0.episodes.retiming import Retiming
from mu0.episodes.sidecar import read_sidecar, sidecar_text
from mu0.errors import EpisodeError
from tests.mu0.geometry.retargeting import retarget

RNG = np.random.default_rng(0)
SIZE_PX, N_STEPS = (240, 320), 128


def _walk(n_frames: int) -> np.ndarray:
    """Seven points that walk and stand still in turns."""
    goes = np.repeat(RNG.random(n_frames // 10 + 1) < 0.7, 10)[:n_frames]
    step = RNG.normal(scale=[4, 4, 0.02], size=(7, n_frames, 3)) * goes[:, None]
    return np.cumsum(step, axis=1) + np.array([160, 120, 1])


@pytest.mark.parametrize("stride", [1, 3])
def test_the_source_frame_of_every_step_comes_back(content: Any, tmp_path: Any, stride: int) -> None:
    """Law: through re-timing, writing and reading, no step is off by more than half a thousandth frame."""
    walks = [_walk(n) for n in (40, 90)]
    results = [retarget(walk, SIZE_PX, N_STEPS) for walk in walks]
    table = np.full((2, N_STEPS), np.nan)
    for line, result in zip(table, results, strict=True):
        line[: result.n_valid] = result.frame
    rows = np.array([0, 7, 14])
    retiming = Retiming(0.05, table, np.zeros((2, 1)), rows, np.arange(14, dtype=np.int32))
    written = replace(
        content.sidecar, retiming=retiming, source_frames=tuple(range(5, 5 + 90 * stride, stride))
    )
    (tmp_path / "mu0.json").write_text(sidecar_text(written))
    sidecar = read_sidecar(tmp_path, 90)
    found = source_frame_of_steps(sidecar)
    assert found.shape == (14, N_STEPS)
    for row in range(14):
        result, walk = results[row // 7], walks[row // 7]
        m = result.n_valid
        true = 5 + stride * result.frame
        assert np.abs(found[row, :m] - true).max() <= 0.5e-3 * stride + 1e-9
        assert np.isnan(found[row, m:]).all()
        at_that_time = [
            np.interp(result.frame, np.arange(walk.shape[1]), walk[row % 7, :, a]) for a in range(3)
        ]
        np.testing.assert_allclose(result.trace[row % 7], np.stack(at_that_time, -1), atol=1e-9)
    np.testing.assert_allclose(seconds_of_steps(sidecar), kept_frame_of_steps(sidecar) / 10)


def test_irregular_source_frames_are_interpolated(content: Any) -> None:
    sidecar = replace(content.sidecar, source_frames=(0, 2, 10))
    np.testing.assert_allclose(source_frame(sidecar, np.array([0, 0.5, 1.25, 2, 2.5])), [0, 1, 4, 10, 14])
    assert np.isnan(source_frame(sidecar, np.array([np.nan]))).all()


def test_history_runs_backwards(content: Any) -> None:
    found = source_frame_of_steps(content.sidecar, past=True)
    np.testing.assert_allclose(found[2], [6, 0.375, np.nan])


def test_a_trace_goes_back_on_the_clock() -> None:
    frames = np.arange(30.0)
    line = np.stack([10 * frames, 5 * frames, 1 + 0.01 * frames], -1)
    result = retarget(line[None], SIZE_PX, N_STEPS)
    wanted = np.array([0, 3, 7.5, 20, 29.9])
    back = positions_at(result.trace[0], result.frame, wanted)
    np.testing.assert_allclose(back[:4], np.stack([10 * wanted, 5 * wanted, 1 + 0.01 * wanted], -1)[:4])
    assert np.isnan(back[4]).all()  # behind the last whole step
    backwards = positions_at(result.trace[0, ::-1], result.frame[::-1], wanted)
    np.testing.assert_allclose(backwards, back)


def test_what_is_unknown_is_said(content: Any) -> None:
    with pytest.raises(EpisodeError, match=r"ur3_sim/clip_000 does not say when its steps happened"):
        source_frame_of_steps(replace(content.sidecar, retiming=None))
    with pytest.raises(EpisodeError, match="does not say its frame rate"):
        seconds_of_steps(replace(content.sidecar, fps_hz=0.0))
