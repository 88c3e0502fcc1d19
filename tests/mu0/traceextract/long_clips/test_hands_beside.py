"""Hands in an episode: 21 tracks of one entity for each, beside what is there anyway."""

from pathlib import Path

import numpy as np
import pytest

from mu0.episodes.hand_skeletons import FROM_IMAGE, HandSkeletons, read_hands
from mu0.episodes.read import read_episode
from mu0.episodes.validate import validate_episode
from mu0.params.extract import ExtractParams
from mu0.traceextract import engine
from mu0.traceextract.backends.interfaces import HandSighting
from mu0.traceextract.engine import EPISODE_NAME, extract_episode
from mu0.traceextract.long_clips import hands_beside
from tests.mu0.traceextract import square_scene as scene
from tests.mu0.traceextract.hands.toy_hands import ToyLandmarker, joints

STEP_PX = 2.0
OFF = ExtractParams(n_keypoints=60, workers=1)
ON = OFF.model_copy(update={"hands": "mediapipe"})


def _hand(frame: int) -> list[HandSighting]:
    """A small hand on the wall that goes up; not recognised in frames 9 to 11, away in the last four."""
    if 9 <= frame <= 11 or frame >= scene.N_FRAMES - 4:
        return []
    place = joints(0, 0) * 0.3 + np.array([20.0, 124.0 - STEP_PX * frame, 0.0], np.float32)
    return [HandSighting(place.astype(np.float32), "right", 0.9)]


@pytest.fixture(autouse=True)
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    toy = ToyLandmarker([_hand(frame) for frame in range(scene.N_FRAMES)])
    monkeypatch.setattr(hands_beside, "load_hand_landmarker", lambda *_: toy)
    monkeypatch.setattr(engine, "with_available_hands", lambda params: params)


def _extract(tmp_path: Path, params: ExtractParams, **kind: bool) -> tuple[Path, dict[str, object]]:
    tmp_path.mkdir(exist_ok=True)
    row = extract_episode(scene.clip_of(scene.footage(**kind)), params, tmp_path)
    return tmp_path / EPISODE_NAME, row


def _hands(folder: Path) -> HandSkeletons:
    hands = read_hands(folder)
    assert hands is not None
    return hands


@pytest.mark.parametrize("depth", [True, False])
def test_a_hand_becomes_21_traces_of_one_entity(tmp_path: Path, *, depth: bool) -> None:
    folder, row = _extract(tmp_path, ON, depth=depth)
    assert row["status"] == "ok"
    assert validate_episode(folder) == []
    hands, episode = _hands(folder), read_episode(folder)
    assert len(hands.tracks) == 21
    rows = np.isin(episode.extras.track_ids, hands.tracks[:, 0])
    assert episode.samples is not None
    assert set(episode.samples.cluster_ids[rows].tolist()) == {hands.entity[0]}
    assert hands.entity[0] not in episode.samples.cluster_ids[~rows]
    assert episode.sidecar.backends["hands"] == "mediapipe"


def test_traces_of_joints_go_where_the_hand_goes(tmp_path: Path) -> None:
    folder, _ = _extract(tmp_path, ON)
    hands, samples, extras = _hands(folder), read_episode(folder).samples, read_episode(folder).extras
    assert samples is not None
    first = samples.rows(0)
    wrist = hands.tracks[hands.tracks[:, 2] == 0, 0]
    (mine,) = samples.raw_traj[first][np.isin(extras.track_ids[first], wrist)].astype(float)
    np.testing.assert_allclose(mine[:8, 0], 20, atol=0.2)
    np.testing.assert_allclose(mine[:8, 1], 124 - STEP_PX * np.arange(8), atol=0.2)
    np.testing.assert_allclose(mine[:8, 2], scene.WALL_M, atol=0.01)
    assert (hands.depth_from[0, :9] == FROM_IMAGE).all()


def test_missing_frames_are_bridged_or_end_the_trace(tmp_path: Path) -> None:
    folder, _ = _extract(tmp_path, ON)
    hands, episode = _hands(folder), read_episode(folder)
    assert not hands.score[0, 9:12].any()
    assert np.isfinite(hands.landmarks[0, 9:12]).all()
    assert np.isnan(hands.landmarks[0, -4:]).all()
    late = episode.slot(scene.N_FRAMES - 4)
    assert not np.isin(episode.extras.track_ids[late], hands.tracks[:, 0]).any()


def test_everything_else_stays_as_it_is_without_hands(tmp_path: Path) -> None:
    without, with_hands = _extract(tmp_path / "off", OFF)[0], _extract(tmp_path / "on", ON)[0]
    assert read_hands(without) is None
    a, b = read_episode(without), read_episode(with_hands)
    assert a.samples is not None
    assert b.samples is not None
    others = ~np.isin(b.extras.track_ids, _hands(with_hands).tracks[:, 0])
    np.testing.assert_array_equal(a.extras.track_ids, b.extras.track_ids[others])
    np.testing.assert_array_equal(a.samples.raw_traj, b.samples.raw_traj[others])
