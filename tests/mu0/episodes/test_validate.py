"""The validator: silent on a sound episode, and exact about every planted fault."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mu0.episodes.validate import validate_episode


def _edit(path: Path, change: Callable[[np.ndarray], np.ndarray | None]) -> None:
    array = np.load(path)
    changed = change(array)
    np.save(path, array if changed is None else changed)


def _set(index: object, value: object) -> Callable[[np.ndarray], None]:
    def change(array: np.ndarray) -> None:
        array[index] = value  # type: ignore[call-overload]

    return change


def test_a_sound_episode_has_no_fault(episode_folder: Path) -> None:
    assert validate_episode(episode_folder) == []


@pytest.mark.parametrize(
    ("name", "change", "text"),
    [
        ("samples/offsets.npy", _set(0, 1),
         "samples/offsets.npy [ends]: found from 1 to 3, expected from 0 to 3"),
        ("samples/offsets.npy", _set(1, 0),
         "samples/offsets.npy [order]: found not ascending, expected strictly ascending"),
        ("samples/frame_indices.npy", _set(1, 9),
         "samples/frame_indices.npy [range]: found 0 to 9, expected 0 to 5"),
        ("samples/frame_indices.npy", _set(0, 3),
         "samples/frame_indices.npy [order]: found not ascending, expected strictly ascending"),
        ("samples/keypoints.npy", _set((1, 0), 10.5),
         "samples/keypoints.npy [range]: found broken in 1 rows, first in row 1, "
         "expected 0 <= x <= 10 and 0 <= y <= 8"),
        ("samples/keypoints.npy", lambda a: a.astype(np.float32),
         "samples/keypoints.npy [dtype]: found float32, expected float16"),
        ("samples/keypoints.npy", lambda a: a[:2],
         "samples/cluster_ids.npy [shape]: found (3,), expected (2,)"),
        ("samples/is_moving.npy", _set(2, False),
         "samples/is_moving.npy [values]: found broken in 1 rows, first in row 2, "
         "expected True in every stored row"),
        ("samples/visibs.npy", _set(0, 1.5),
         "samples/visibs.npy [values]: found broken in 1 rows, first in row 0, expected 0 to 1"),
        ("samples/traj.npy", _set((0, 4), 0),
         "samples/traj.npy [padding]: found broken in 1 rows, first in row 0, "
         "expected -inf in all channels where the mask is False"),
        ("samples/traj.npy", _set((2, 1, 2), np.nan),
         "samples/traj.npy [values]: found broken in 1 rows, first in row 2, "
         "expected finite where the mask is True"),
        ("samples/raw_traj.npy", _set((2, 0, 0), 7),
         "samples/raw_traj.npy [step 0]: found broken in 1 rows, first in row 2, expected the keypoint"),
        ("samples/raw_traj.npy", _set((1, 3, 2), -1),
         "samples/raw_traj.npy [z]: found broken in 1 rows, first in row 1, "
         "expected z > 0, in front of the camera"),
        ("samples/valid_steps.npy", _set((0, 0), False),
         "samples/valid_steps.npy [first step]: found broken in 1 rows, first in row 0, "
         "expected True in every row"),
        ("samples/valid_steps.npy", _set((0, 1), False),
         "samples/valid_steps.npy [prefix]: found broken in 1 rows, first in row 0, "
         "expected True steps, then False steps"),
        ("samples/valid_steps.npy", _set((2, 1), False),
         "samples/valid_steps.npy [future]: found frame 2 has none, "
         "expected a row with 2 valid steps per frame"),
        ("samples/raw_valid_steps_history.npy", _set((1, 1), True),
         "samples/raw_valid_steps_history.npy [length]: found broken in 1 rows, first in row 1, "
         "expected at most min(frame + 1, 3) valid steps"),
        ("images.npy", lambda a: a.astype(np.int16), "images.npy [dtype]: found int16, expected uint8"),
        ("images.npy", lambda a: a[..., :2],
         "images.npy [shape]: found (6, 8, 10, 2), expected (T, H, W, 3) with T > 0"),
        ("images.npy", np.asfortranarray, "images.npy [order]: found Fortran order, expected C order"),
        ("samples/traj.npy", np.asfortranarray,
         "samples/traj.npy [order]: found Fortran order, expected C order"),
        ("depth.npy", lambda a: a[:5], "depth.npy [shape]: found (5, 8, 10), expected (6, 8, 10)"),
        ("depth.npy", _set((0, 0, 0), np.nan),
         "depth.npy [values]: found 1 negative or not finite, expected metres, 0 = missing"),
    ],
)  # fmt: skip
def test_a_planted_fault_is_named_exactly(
    episode_folder: Path, name: str, change: Callable[[np.ndarray], np.ndarray | None], text: str
) -> None:
    _edit(episode_folder / name, change)
    assert text in [str(fault) for fault in validate_episode(episode_folder)]


def test_a_point_of_our_own_may_end_before_the_clip_but_not_after_it(episode_folder: Path) -> None:
    path = episode_folder / "samples/raw_valid_steps.npy"
    mask, sidecar = np.load(path), episode_folder / "mu0.json"
    last = int(mask[2].sum()) - 1
    _edit(path, _set((2, last), False))
    _edit(episode_folder / "samples/raw_traj.npy", _set((2, last), -np.inf))
    assert validate_episode(episode_folder) == []
    content = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps(content | {"backends": {}}))  # as from elsewhere, where all are followed
    assert [str(fault) for fault in validate_episode(episode_folder)] == [
        "samples/raw_valid_steps.npy [length]: found broken in 1 rows, first in row 2, "
        "expected min(6 - frame, 5) valid steps"
    ]


def test_rows_of_one_group_share_their_masks(episode_folder: Path) -> None:
    _edit(episode_folder / "samples/valid_steps.npy", _set((1, 3), False))
    _edit(episode_folder / "samples/traj.npy", _set((1, 3), -np.inf))
    assert [str(fault) for fault in validate_episode(episode_folder)] == [
        "samples/valid_steps.npy [group]: found broken in 1 rows, first in row 1, "
        "expected equal rows within a group"
    ]


@pytest.mark.parametrize("name", ["images.npy", "depth.npy", "samples/raw_valid_steps.npy", "cameras.npz"])
def test_missing_and_truncated_files_are_named(episode_folder: Path, name: str) -> None:
    path = episode_folder / name
    path.write_bytes(path.read_bytes()[:-20])
    faults = validate_episode(episode_folder)
    assert [(fault.file, fault.field) for fault in faults] == [(name, "file")]
    assert faults[0].found.startswith("unreadable")
    path.unlink()
    assert [(fault.file, fault.found) for fault in validate_episode(episode_folder)] == [(name, "missing")]


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("height", np.int32(9), "cameras.npz [height]: found 9, expected 8, as in images.npy"),
        ("extrinsics", np.zeros((6, 4, 4), np.float32),
         "cameras.npz [extrinsics]: found a matrix that is not rigid, expected rigid motions"),
        ("intrinsics", np.zeros((6, 3, 3), np.float32),
         "cameras.npz [intrinsics]: found not finite or not positive, expected focal length > 0"),
        ("intrinsics", np.ones((5, 3, 3), np.float32),
         "cameras.npz [intrinsics]: found shape (5, 3, 3), expected shape (6, 3, 3)"),
    ],
)  # fmt: skip
def test_a_fault_of_the_cameras_is_named(
    episode_folder: Path, key: str, value: np.ndarray, text: str
) -> None:
    path = episode_folder / "cameras.npz"
    with np.load(path) as archive:
        content = {name: archive[name] for name in archive.files} | {key: value}
    np.savez(path, **content)
    assert [str(fault) for fault in validate_episode(episode_folder)] == [text]


def test_a_two_dimensional_episode_has_no_depth(episode_folder: Path) -> None:
    path = episode_folder / "mu0.json"
    path.write_text(path.read_text().replace('"is_3d": true', '"is_3d": false'))
    assert [str(fault) for fault in validate_episode(episode_folder)] == [
        "depth.npy [file]: found present, expected absent, for is_3d is false",
        "samples/raw_traj.npy [z]: found broken in 3 rows, first in row 0, "
        "expected z = 0, for is_3d is false",
    ]


def test_source_frames_cover_all_frames(episode_folder: Path) -> None:
    path = episode_folder / "mu0.json"
    text = path.read_text()
    path.write_text(text.replace("    15\n", "    11\n"))
    assert [str(fault) for fault in validate_episode(episode_folder)] == [
        "mu0.json [source_frames]: found not ascending, expected strictly ascending frame numbers"
    ]
    path.write_text(text.replace("    12,\n", ""))
    assert [str(fault) for fault in validate_episode(episode_folder)] == [
        "mu0.json [source_frames]: found 5 numbers, expected 6, one per frame"
    ]


def test_compressed_archives_are_not_the_official_ones(episode_folder: Path) -> None:
    path = episode_folder / "cameras.npz"
    with np.load(path) as archive:
        content = {name: archive[name] for name in archive.files}
    np.savez_compressed(path, **content)
    assert [str(fault) for fault in validate_episode(episode_folder)] == [
        "cameras.npz [compression]: found intrinsics.npy is compressed, expected plain storage"
    ]


def test_faults_of_optional_files_are_named(episode_folder: Path) -> None:
    (episode_folder / "mu0_samples").mkdir()
    np.save(episode_folder / "mu0_samples/track_ids.npy", np.array([4, 9, 8], np.int32))
    np.save(episode_folder / "mu0_samples/confidence.npy", np.array([0, 2, np.nan], np.float16))
    np.savez(episode_folder / "movement_statistics.npz", cam_trans_step=np.zeros(3, np.float32))
    assert [str(fault) for fault in validate_episode(episode_folder)] == [
        "movement_statistics.npz [cam_trans_step]: found float32 (3,), expected float32 (5,)",
        "mu0_samples/confidence.npy [values]: found 2 outside, expected 0 to 1",
        "mu0_samples/track_ids.npy [values]: found 1 others, expected the track ids in mu0.json",
    ]
    np.save(episode_folder / "mu0_samples/track_ids.npy", np.zeros(2))
    assert "mu0_samples/track_ids.npy [type and shape]: found float64 (2,), expected int32 (3,)" in [
        str(fault) for fault in validate_episode(episode_folder)
    ]


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('"absent": []', '"absent": ["sound"]', "mu0.json [absent]: found sound, expected some of depth, "),
        ('"mode": "traceextract"', '"mode": "magic"',
         "mu0.json [mode]: found magic, expected traceextract or traceforge"),
    ],
)  # fmt: skip
def test_unknown_words_in_the_sidecar_are_named(episode_folder: Path, old: str, new: str, text: str) -> None:
    path = episode_folder / "mu0.json"
    path.write_text(path.read_text().replace(old, new))
    (fault,) = validate_episode(episode_folder)
    assert str(fault).startswith(text)


def test_what_is_said_to_be_absent_may_be_missing(episode_folder: Path) -> None:
    path = episode_folder / "mu0.json"
    path.write_text(path.read_text().replace('"absent": []', '"absent": ["depth"]'))
    (episode_folder / "depth.npy").unlink()
    assert validate_episode(episode_folder) == []


def test_names_that_climb_are_told(episode_folder: Path) -> None:
    path = episode_folder / "mu0.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"clip_id": "../../evil"}))
    assert [str(fault) for fault in validate_episode(episode_folder)] == [
        "mu0.json [clip_id]: found '../../evil', expected a name without `..`"
    ]
