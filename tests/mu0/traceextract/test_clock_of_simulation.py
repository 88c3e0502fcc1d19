"""The clock of a real extraction: a simulated robot, filmed, extracted at half its rate, written and read.

The law: for every step of every row, the source frame that mu0.json gives back is the moment at which the
group of that row had walked so far, to less than one source frame.
"""

import math
from pathlib import Path

import numpy as np
import pytest

from mu0.episodes.clock import positions_at, source_frame_of_steps
from mu0.episodes.read import Episode, read_episode
from mu0.episodes.sidecar import read_sidecar
from mu0.params.extract import ExtractParams
from mu0.params.raw_videos import SimulatedSource
from mu0.sources.clip.on_disk import ClipInfo, write_clip
from mu0.sources.simulated import record_clip
from mu0.traceextract.engine import extract_episode
from mu0.traceextract.long_clips import window_samples
from mu0.traceextract.samples.anchor_views import SampledTraces, sample_traces
from mu0.traceextract.tracking.world_tracks import WorldTracks

pytestmark = pytest.mark.slow
STRIDE = 2  # filmed at 10 Hz, kept at 5 Hz
MATCH = 2e-3  # of the image or a metre: what a group walks in a hundredth of a frame


@pytest.fixture(scope="module")
def extraction(tmp_path_factory: pytest.TempPathFactory) -> tuple[Episode, WorldTracks]:
    source = SimulatedSource(kind="simulated", embodiment="ur3", n_clips=1, image_size_px=96, seed=7)
    recorded = record_clip(source, 0)
    folder = tmp_path_factory.mktemp("clock")
    n_frames, height_px, width_px, _ = recorded.frames.shape
    info = ClipInfo(
        clip_id="clip",
        source="sim",
        fps_hz=recorded.fps_hz,
        n_frames=n_frames,
        width_px=width_px,
        height_px=height_px,
        simulated=True,
    )
    clip = write_clip(
        folder / "clip",
        info,
        recorded.frames,
        depth_m=recorded.depth_m,
        intrinsics=recorded.intrinsics,
        camera_from_world=recorded.camera_from_world,
    )
    seen: list[WorldTracks] = []

    def looking(
        tracks: WorldTracks, size_px: tuple[int, int], params: ExtractParams, anchors: list[int]
    ) -> SampledTraces:
        seen.append(tracks)
        return sample_traces(tracks, size_px, params, anchors)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window_samples, "sample_traces", looking)
        params = ExtractParams(target_fps_hz=recorded.fps_hz / STRIDE, anchor_stride=4, workers=1)
        row = extract_episode(clip, params, folder)
    assert row["status"] == "ok"
    return read_episode(folder / "episode"), seen[0]


def _walked(tracks: WorldTracks, members: np.ndarray, anchor: int, size_px: tuple[int, int]) -> np.ndarray:
    """Path length of a group at every frame from the anchor on, from the world tracks, without mu0's code."""
    assert tracks.points_world is not None
    pose, k = tracks.camera_from_world[anchor], tracks.intrinsics
    camera = tracks.points_world[anchor:, members].astype(np.float64) @ pose[:3, :3].T + pose[:3, 3]
    x = k[0, 0] * camera[..., 0] / camera[..., 2] + k[0, 2]
    y = k[1, 1] * camera[..., 1] / camera[..., 2] + k[1, 2]
    place = np.stack([x / size_px[1], y / size_px[0], camera[..., 2]], -1)
    length = np.linalg.norm(np.diff(place, axis=0), axis=-1)
    n_top = max(1, math.ceil(0.02 * len(members)))
    return np.r_[0, np.cumsum(np.sort(length, axis=1)[:, -n_top:].mean(1))]


def test_every_step_finds_its_source_frame(extraction: tuple[Episode, WorldTracks]) -> None:
    episode, tracks = extraction
    samples, retiming = episode.samples, episode.sidecar.retiming
    assert samples is not None
    assert retiming is not None
    assert np.diff(episode.sidecar.source_frames).tolist() == [STRIDE] * (episode.n_frames - 1)
    found = source_frame_of_steps(episode.sidecar)
    anchor_of_row = np.repeat(samples.frame_indices, np.diff(samples.offsets))
    worst, n_steps = 0.0, 0
    for row in retiming.run_offsets[:-1]:
        anchor = int(anchor_of_row[row])
        members = np.flatnonzero(tracks.query_frame == tracks.query_frame[retiming.track_ids[row]])
        walked = _walked(tracks, members, anchor, episode.size_px)
        valid = np.flatnonzero(samples.valid_steps[row])
        moments = np.arange(0, len(walked) - 1 + 1e-9, 0.01)  # a fiftieth of a source frame
        lengths = np.interp(moments, np.arange(len(walked)), walked)
        for step in valid:
            true = anchor + moments[np.abs(lengths - 0.05 * step) < MATCH]  # several where the group pauses
            assert len(true), (row, step)
            worst = max(worst, float(np.abs(STRIDE * true - found[row, step]).min()))
            n_steps += 1
    assert n_steps > 200
    assert worst <= 1


def test_positions_come_back_at_clock_time(extraction: tuple[Episode, WorldTracks]) -> None:
    episode, _ = extraction
    samples = episode.samples
    assert samples is not None
    kept = source_frame_of_steps(episode.sidecar) / STRIDE
    anchor_of_row = np.repeat(samples.frame_indices, np.diff(samples.offsets))
    height_px, width_px = episode.size_px
    worst = 0.0
    for row in range(0, samples.n_rows, 7):
        valid = samples.valid_steps[row]
        n_raw = int(samples.raw_valid_steps[row].sum())
        frames = anchor_of_row[row] + np.arange(n_raw)
        raw = np.asarray(samples.raw_traj[row, :n_raw], np.float64)
        then = np.stack([np.interp(kept[row, valid], frames, raw[:, axis]) for axis in range(3)], -1)
        off = np.abs(then - samples.traj[row, valid]) / [width_px, height_px, 1]
        worst = max(worst, float(off.max()))
        back = positions_at(np.asarray(samples.traj[row]), kept[row], frames[:1].astype(np.float64))
        np.testing.assert_allclose(back[0], raw[0], atol=0.3)
    assert worst < 2e-3  # float16, and a thousandth of a frame


def test_mu0_json_is_all_it_takes(extraction: tuple[Episode, WorldTracks], tmp_path: Path) -> None:
    episode, _ = extraction
    (tmp_path / "mu0.json").write_bytes((episode.folder / "mu0.json").read_bytes())
    alone = source_frame_of_steps(read_sidecar(tmp_path, episode.n_frames))
    np.testing.assert_array_equal(alone, source_frame_of_steps(episode.sidecar))
