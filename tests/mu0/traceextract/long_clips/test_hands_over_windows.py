"""A hand is one hand in all windows of a long clip: the same numbers, the same rows as in a single window."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mu0.episodes.hand_skeletons import HandSkeletons, read_hands
from mu0.episodes.read import read_episode
from mu0.episodes.validate import validate_episode
from mu0.params.extract import ExtractParams
from mu0.traceextract import engine
from mu0.traceextract.backends.interfaces import Footage, HandSighting
from mu0.traceextract.engine import EPISODE_NAME, extract_episode
from mu0.traceextract.long_clips import hands_beside
from mu0.traceextract.long_clips.windows import cut_windows
from tests.mu0.traceextract import square_scene as scene
from tests.mu0.traceextract.hands.toy_hands import ToyLandmarker, joints

N_FRAMES = 3 * scene.N_FRAMES
STEP_PX = 2.0
ONE_WINDOW = ExtractParams(
    n_keypoints=20, workers=1, hands="mediapipe", future_len=8, history_len=4, lookahead_frames=8
)
WINDOWS = ONE_WINDOW.model_copy(update={"window_frames": 28})
BRIDGED = range(19, 22)  # about the first border
AWAY = range(44, 56)  # beyond what is bridged, over another border
COMES_AT = 30

Rows = dict[tuple[int, int, int, int], np.ndarray]


def _height(frame: int) -> float:
    """Up and down between 66 and 114 px."""
    return 66 + STEP_PX * abs(frame % 48 - 24)


def _hands(frame: int) -> list[HandSighting]:
    """A right hand, not recognised in `BRIDGED` and `AWAY`, and a left hand from `COMES_AT` on."""
    found = []
    if frame not in BRIDGED and frame not in AWAY:
        place = joints(0, 0) * 0.3 + np.array([25.0, _height(frame), 0.0])
        found.append(HandSighting(place.astype(np.float32), "right", 0.5 + 0.005 * frame))
    if frame >= COMES_AT:
        place = joints(0, 0, mirrored=True) * 0.3 + np.array([95.0, _height(frame + 24), 0.0])
        found.append(HandSighting(place.astype(np.float32), "left", 0.8))
    return found


def _footage(*, depth: bool) -> Footage:
    """Nothing but the hands moves."""
    still = scene.footage(moves=False, depth=depth)
    poses = still.camera_from_world
    return replace(
        still,
        frames=np.tile(still.frames, (3, 1, 1, 1)),
        depth_m=None if still.depth_m is None else np.tile(still.depth_m, (3, 1, 1)),
        camera_from_world=None if poses is None else np.tile(poses, (3, 1, 1)),
        source_frames=np.arange(N_FRAMES),
    )


def _extract(folder: Path, params: ExtractParams, *, depth: bool) -> tuple[HandSkeletons, Rows, Rows]:
    """The hands; places and entities of their rows by hand, run, joint and anchor frame."""
    folder.mkdir()
    row = extract_episode(scene.clip_of(_footage(depth=depth)), params, folder)
    assert row["status"] == "ok"
    assert validate_episode(folder / EPISODE_NAME) == []
    hands, episode = read_hands(folder / EPISODE_NAME), read_episode(folder / EPISODE_NAME)
    assert hands is not None
    samples = episode.samples
    assert samples is not None
    order = hands.tracks[np.lexsort((hands.tracks[:, 0], hands.tracks[:, 2], hands.tracks[:, 1]))]
    name: dict[int, tuple[int, int, int]] = {}
    for number, hand, joint in order.tolist():
        name[number] = hand, sum(one[0] == hand and one[2] == joint for one in name.values()), joint
    traces: Rows = {}
    entities: Rows = {}
    for slot, frame in enumerate(samples.frame_indices.tolist()):
        rows = samples.rows(slot)
        ids = episode.extras.track_ids[rows].tolist()
        for place, number in enumerate(ids):
            if number in name:
                traces[(*name[number], frame)] = samples.raw_traj[rows][place]
                entities[(*name[number], frame)] = samples.cluster_ids[rows][place]
    return hands, traces, entities


@pytest.mark.slow
@pytest.mark.parametrize("depth", [True, False])
def test_a_hand_keeps_its_identity_and_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, depth: bool
) -> None:
    toy = ToyLandmarker([_hands(frame) for frame in range(N_FRAMES)])
    monkeypatch.setattr(hands_beside, "load_hand_landmarker", lambda *_: toy)
    monkeypatch.setattr(engine, "with_available_hands", lambda params: params)
    borders = [window.core.start for window in cut_windows(N_FRAMES, WINDOWS)][1:]
    assert len(borders) > 2
    assert borders[0] in BRIDGED
    assert any(border in AWAY for border in borders)

    hands, traces, entities = _extract(tmp_path / "windows", WINDOWS, depth=depth)
    whole, expected, _ = _extract(tmp_path / "whole", ONE_WINDOW, depth=depth)

    assert hands.handedness == whole.handedness == ("right", "left")
    assert len(hands.tracks) == len(whole.tracks) == 3 * 21  # two runs of the right hand, one of the left
    assert len(set(hands.entity)) == 2
    for (hand, *_), entity in entities.items():
        assert entity == hands.entity[hand]
    assert traces.keys() == expected.keys()
    for key, trace in traces.items():
        np.testing.assert_allclose(trace, expected[key], atol=1e-3, err_msg=str(key))
    np.testing.assert_array_equal(hands.landmarks, whole.landmarks)
    assert len(hands.contacts) == len(whole.contacts)
