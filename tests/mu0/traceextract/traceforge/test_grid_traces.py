"""Mode `traceforge`: a full grid from every query frame, one camera, one clock, in TraceForge's layout."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mu0.episodes.clock import source_frame_of_steps
from mu0.episodes.layouts.convert import convert_episode
from mu0.episodes.layouts.validate import validate_layout
from mu0.episodes.read import Episode, read_episode
from mu0.geometry.rigid import from_parts
from mu0.geometry.traceforge import grid_points
from mu0.params.extract import ExtractParams
from mu0.traceextract.backends.interfaces import Footage
from mu0.traceextract.backends.registry import load_reconstructor
from mu0.traceextract.engine import extract_episode
from mu0.traceextract.traceforge.grid_traces import query_anchors, trace_grid
from tests.mu0.traceextract import square_scene as scene

PARAMS = ExtractParams(mode="traceforge", anchor_stride=6, workers=1)
GRID = grid_points((scene.SIZE_PX, scene.SIZE_PX))
Extracted = tuple[Episode, dict[str, Any]]
STEP_FRAMES = 0.05 * (scene.SIZE_PX - 1) / scene.STEP_PX  # the square needs so long for one step


def _extract(
    footage: Footage, folder: Path, params: ExtractParams = PARAMS
) -> tuple[Episode, dict[str, Any]]:
    folder.mkdir()
    row = extract_episode(scene.clip_of(footage), params, folder)
    assert validate_layout(folder / "episode", "official") == []
    return read_episode(folder / "episode"), row


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Extracted:
    return _extract(scene.footage(), tmp_path_factory.mktemp("slide") / "work")


def _scene_of(footage: Footage) -> Any:
    return load_reconstructor("rgbd", PARAMS.learned).reconstruct(footage)


def test_every_query_frame_owns_the_whole_grid(slide: Extracted) -> None:
    episode, row = slide
    samples = episode.samples
    assert samples is not None
    np.testing.assert_array_equal(samples.frame_indices, [0, 6, 12, 18])
    np.testing.assert_array_equal(np.diff(samples.offsets), 400)
    for slot in range(4):
        np.testing.assert_array_equal(samples.keypoints[samples.rows(slot)], GRID.astype(np.float16))
    share = np.asarray(samples.is_moving).mean()
    assert abs(share - (scene.SQUARE_PX / scene.SIZE_PX) ** 2) < 0.03  # static points are kept
    assert (row["n_points_in"], row["n_points_out"], row["n_rows"]) == (1600, 1600, 1600)
    assert row["coverage"] > 0.9
    assert abs(row["median_speed_m_s"] - 10 * scene.STEP_M) < 0.01


def test_traces_are_the_slide_and_the_clock_is_its_speed(slide: Extracted) -> None:
    """The known answer: the square walks 2 px per frame, so a step takes 3.2 frames."""
    episode, _ = slide
    samples = episode.samples
    assert samples is not None
    for slot, anchor in enumerate(samples.frame_indices):
        rows = samples.rows(slot)
        moves = np.asarray(samples.is_moving[rows])
        raw = np.asarray(samples.raw_traj[rows], np.float64)[moves]
        n_frames = scene.N_FRAMES - anchor
        walked = raw[:, :n_frames, 0] - raw[:, :1, 0]
        error_px = np.abs(walked - scene.STEP_PX * np.arange(n_frames)).max(1)
        assert np.median(error_px) < 0.7
        clock = source_frame_of_steps(episode.sidecar)[rows][0]
        n_steps = int(np.isfinite(clock).sum())
        assert n_steps == math.floor((n_frames - 1) / STEP_FRAMES) + 1
        assert np.abs(clock[:n_steps] - anchor - STEP_FRAMES * np.arange(n_steps)).max() <= 1


def test_retargeting_is_that_of_the_whole_grid() -> None:
    footage = scene.footage()
    traces = trace_grid(footage, _scene_of(footage), 3, PARAMS)
    path = traces.raw.astype(np.float64) / [scene.SIZE_PX - 1, scene.SIZE_PX - 1, 1]
    path[..., :2] = path[..., :2].clip(0, 1)
    length = np.linalg.norm(path[:, 1:] - path[:, :-1], axis=-1)
    travelled = np.r_[0, np.cumsum([np.sort(column)[-8:].mean() for column in length.T])]
    found = np.interp(traces.retargeted.frame, np.arange(len(travelled)), travelled)
    np.testing.assert_allclose(found, 0.05 * np.arange(traces.retargeted.n_valid), atol=1e-9)


def test_a_moving_camera_drops_out() -> None:
    """A still wall, seen by a camera that walks 2 px per frame: through one camera nothing moves."""
    wide = scene._texture(3, 300)[: scene.SIZE_PX]
    frames = np.stack([wide[:, 2 * t : 2 * t + scene.SIZE_PX] for t in range(12)])
    centre = np.stack([-2 * scene.WALL_M / scene.FOCAL_PX * np.arange(12.0), np.zeros(12), np.zeros(12)], -1)
    footage = Footage(
        frames=frames,
        depth_m=np.full(frames.shape[:3], scene.WALL_M, np.float32),
        intrinsics=scene.INTRINSICS,
        camera_from_world=from_parts(np.tile(np.eye(3), (12, 1, 1)), centre),
        source_frames=np.arange(12),
        fps_hz=10.0,
    )
    traces = trace_grid(footage, _scene_of(footage), 0, PARAMS)
    assert np.abs(traces.raw[..., :2] - GRID[:, None]).max() < 0.6
    assert traces.retargeted.n_valid == 1
    assert not traces.is_moving.any()


def test_points_without_depth_stay_and_are_counted() -> None:
    footage = scene.footage()
    assert footage.depth_m is not None
    footage.depth_m[:, :20, :20] = 0
    traces = trace_grid(footage, _scene_of(footage), 0, PARAMS)
    hole = (GRID < 17).all(1)
    assert traces.is_held[hole].all()
    assert not (traces.is_moving | traces.visible.any(0))[hole].any()
    np.testing.assert_array_equal(traces.confidence[hole], 0)
    np.testing.assert_allclose(traces.raw[hole, :, :2], np.repeat(GRID[hole][:, None], scene.N_FRAMES, 1))


def test_frames_without_depth_or_future_have_no_grid() -> None:
    footage = scene.footage()
    scene_of_it = _scene_of(footage)
    assert scene_of_it.depth_m is not None
    scene_of_it.depth_m[4] = 0
    assert query_anchors(scene_of_it, scene.N_FRAMES, 2)[-2:] == [20, 22]
    assert 4 not in query_anchors(scene_of_it, scene.N_FRAMES, 2)
    assert query_anchors(scene_of_it, 3, 2) == [0]


def test_traceforges_own_layout_holds_it(slide: Extracted, tmp_path: Path) -> None:
    episode, _ = slide
    convert_episode(episode.folder, "official", tmp_path / "square", "traceforge")
    assert validate_layout(tmp_path / "square", "traceforge") == []
    with np.load(tmp_path / "square/samples/square_6.npz") as sample:
        assert sorted(sample.files) == [
            "frame_index", "image_path", "keypoints", "traj", "traj_2d", "valid_steps",
        ]  # fmt: skip
        assert (sample["traj"].shape, sample["traj"].dtype) == ((400, 128, 3), np.float32)
        assert (sample["traj_2d"].shape, sample["valid_steps"].shape) == ((400, 18, 2), (128,))
        np.testing.assert_array_equal(
            sample["traj"][:, :, 0] != -np.inf, np.tile(sample["valid_steps"], (400, 1))
        )


def test_without_depth_traces_have_two_channels(tmp_path: Path) -> None:
    episode, row = _extract(scene.footage(depth=False), tmp_path / "work")
    assert str(row["reason"]).startswith("2-D only")
    convert_episode(episode.folder, "official", tmp_path / "flat", "traceforge")
    assert validate_layout(tmp_path / "flat", "traceforge") == []
    with np.load(tmp_path / "flat/samples/flat_0.npz") as sample:
        assert sample["traj"].shape == (400, 128, 2)
        moves = np.ptp(sample["traj_2d"][..., 0], axis=1) > scene.STEP_PX * scene.N_FRAMES / 2
    assert 10 < moves.sum() < 60


def test_a_clip_on_disk_gives_the_same_bytes(slide: Extracted, tmp_path: Path) -> None:
    # TraceForge's windows do not depend on how much of the clip is in memory
    short = PARAMS.model_copy(update={"window_frames": 10})
    episode, _ = _extract(scene.footage(), tmp_path / "work", short)
    for name in ("images.npy", "depth.npy", "samples/traj.npy", "samples/raw_traj.npy", "mu0.json"):
        assert (episode.folder / name).read_bytes() == (slide[0].folder / name).read_bytes()


def test_nothing_moves_and_still_there_is_a_grid(tmp_path: Path) -> None:
    """TraceForge keeps still query frames; TraceGen's loader filters them."""
    footage = replace(scene.footage(moves=False))
    episode, row = _extract(footage, tmp_path / "work")
    assert row["status"] == "ok"
    assert episode.samples is not None
    assert not np.asarray(episode.samples.is_moving).any()
    assert json.loads((episode.folder / "mu0.json").read_text())["mode"] == "traceforge"
