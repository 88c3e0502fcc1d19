"""Reading what strangers wrote: legacy and TraceForge episodes made from the reference alone."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import strangers

from mu0.episodes.layouts.convert import open_view
from mu0.episodes.layouts.kinds import find_episodes, layout_of
from mu0.episodes.layouts.table import write_episode_table
from mu0.episodes.layouts.validate import validate_layout
from mu0.episodes.read import read_episode
from mu0.errors import EpisodeError


def test_layouts_are_told_apart(tmp_path: Path, episode_folder: Path) -> None:
    strangers.write_legacy(tmp_path / "b" / "old")
    forge = strangers.write_traceforge(tmp_path / "c" / "forge")
    strangers.write_traceforge(tmp_path / "c" / ".hidden")
    assert find_episodes(tmp_path) == [
        (tmp_path / "b" / "old", "legacy"),
        (tmp_path / "c" / "forge", "traceforge"),
        (episode_folder, "official"),
    ]
    (forge / "three_instructions.json").unlink()
    assert layout_of(forge) == "traceforge"
    assert layout_of(tmp_path) is None


@pytest.mark.parametrize("one_mask", [False, True])
def test_a_legacy_episode_is_read(tmp_path: Path, one_mask: bool) -> None:
    folder = strangers.write_legacy(tmp_path / "put_mug", one_mask=one_mask)
    view = open_view(folder, "legacy")
    assert (view.n_frames, view.size_px, view.anchors, view.absent) == (
        5,
        (40, 48),
        (0, 2),
        ("acceleration",),
    )
    np.testing.assert_array_equal(view.image(3), strangers.IMAGES[3])
    np.testing.assert_allclose(view.depth_m(1), strangers.DEPTH[1], atol=0.6e-4)  # tenths of millimetres
    rows = view.rows(2)
    np.testing.assert_array_equal(rows.valid_steps.sum(1), [6, 6] if one_mask else [6, 3])
    np.testing.assert_array_equal(rows.raw_valid_steps.sum(1), [3, 3])
    np.testing.assert_array_equal(rows.cluster_ids, [3, 8])
    np.testing.assert_array_equal(rows.traj[0, :6, 0], 10.5 + 0.25 * np.arange(6))
    assert (rows.traj[1, 6:] == -np.inf).all()
    cameras = view.cameras()
    np.testing.assert_allclose(cameras.intrinsics[0], [[80, 0, 24], [0, 80, 20], [0, 0, 1]])
    assert view.notes == ("depth read from 16-bit PNG as tenths of millimetres (it wraps above 6.55 m)",)
    assert validate_layout(folder, "legacy") == []


def test_a_traceforge_episode_is_read(tmp_path: Path) -> None:
    folder = strangers.write_traceforge(tmp_path / "forge")
    assert validate_layout(folder, "traceforge") == []
    view = open_view(folder, "traceforge")
    assert view.instructions() == tuple(strangers.THREE.values())
    assert view.absent == (
        "cameras", "history", "raw_traj", "visibs", "cluster_ids", "is_moving", "acceleration",
    )  # fmt: skip
    sidecar = view.sidecar()
    assert (sidecar.is_3d, sidecar.mode, sidecar.intrinsics_source) == (True, "traceforge", "assumed_fov")
    np.testing.assert_array_equal(view.depth_m(4), strangers.DEPTH[4])
    rows = view.rows(0)
    assert rows.traj.shape == (400, 12, 3)
    np.testing.assert_array_equal(rows.valid_steps.sum(1), 8)
    np.testing.assert_array_equal(np.flatnonzero(rows.is_moving), [150])  # 7 of 48 px is more than a tenth
    np.testing.assert_array_equal(rows.raw_valid_steps.sum(1), 1)  # z at clock time is unknown
    assert rows.raw_xy is not None
    assert rows.raw_xy.shape == (400, 5, 2)


def test_two_channels_are_a_trace_without_depth(tmp_path: Path) -> None:
    folder = strangers.write_traceforge(tmp_path / "flat", channels=2)
    assert validate_layout(folder, "traceforge") == []
    view = open_view(folder, "traceforge")
    assert not view.sidecar().is_3d
    assert "raw_traj" not in view.absent  # the pixels at clock time are there
    rows = view.rows(1)
    np.testing.assert_array_equal(rows.raw_valid_steps.sum(1), 4)
    np.testing.assert_array_equal(rows.raw_traj[150, :4, 0] - rows.raw_traj[150, 0, 0], [0, 2, 4, 6])
    assert (rows.raw_traj[:, :4, 2] == 0).all()


def test_frames_that_were_dropped_keep_their_numbers(tmp_path: Path) -> None:
    view = open_view(strangers.write_traceforge(tmp_path / "sparse", every=2), "traceforge")
    assert (view.frame_numbers, view.anchors) == ((0, 2, 4), (0, 1, 2))
    assert view.sidecar().source_frames == (0, 2, 4)
    assert "raw_traj" in view.absent  # its steps are frames that are not there


def _break_png(folder: Path) -> None:
    path = folder / "images/old_1.png"
    path.write_bytes(path.read_bytes()[:40])


def _rewrite(folder: Path, name: str = "samples/old_0.npz", **changes: object) -> None:
    with np.load(folder / name) as archive:
        content = {key: archive[key] for key in archive.files} | changes
    np.savez(folder / name, **{key: value for key, value in content.items() if value is not None})


def _with(array: np.ndarray, index: object, value: object) -> np.ndarray:
    changed = array.copy()
    changed[index] = value  # type: ignore[call-overload]
    return changed


def _sample(folder: Path, key: str) -> np.ndarray:
    with np.load(folder / "samples/old_0.npz") as archive:
        return archive[key]


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (_break_png, "images/old_1.png [file]: found "),
        (lambda f: (f / "images/old_3.png").rename(f / "images/last.png"),
         "images/last.png [file]: found "),
        (lambda f: (f / "images/old_2.png").unlink(),
         "samples/old_2.npz [image]: found missing, expected images/old_2.png"),
        (lambda f: (f / "samples/old_0.npz").write_bytes(b"PK"), "samples/old_0.npz [file]: found "),
        (lambda f: _rewrite(f, traj=None),
         "samples/old_0.npz [traj]: found missing, expected an array of this name"),
        (lambda f: _rewrite(f, valid_steps=np.ones(11, bool)),
         "samples/old_0.npz [valid_steps]: found (11,), expected (12,) or (2, 12)"),
        (lambda f: _rewrite(f, frame_index=np.array([4])),
         "samples/old_0.npz [frame_index]: found [4], expected [0], as in its name"),
        (lambda f: _rewrite(f, image_path=np.array(["../../secret.png"])),
         "samples/old_0.npz [image_path]: found '../../secret.png', expected images/old_0.png, without `..`"),
        (lambda f: _rewrite(f, keypoints=_with(_sample(f, "keypoints"), (1, 0), 49)),
         "samples/old_0.npz [keypoints]: found 1 outside the image, expected 0 <= x <= 48 and 0 <= y <= 40"),
        (lambda f: _rewrite(f, traj=_with(_sample(f, "traj"), (1, 2, 0), np.nan)),
         "samples/old_0.npz [traj values]: found broken in 1 rows, first in row 1, "
         "expected finite where the mask is True"),
        (lambda f: _rewrite(f, raw_traj=_with(_sample(f, "raw_traj"), (0, 7), 3)),
         "samples/old_0.npz [raw_traj padding]: found broken in 1 rows, first in row 0, "
         "expected -inf in all channels where the mask is False"),
        (lambda f: _rewrite(f, traj=_with(_sample(f, "traj"), (0, 0, 1), 9)),
         "samples/old_0.npz [traj step 0]: found broken in 1 rows, first in row 0, expected the keypoint"),
        (lambda f: _rewrite(f, valid_steps=_with(_sample(f, "valid_steps"), (0, 2), False)),
         "samples/old_0.npz [valid_steps prefix]: found broken in 1 rows, first in row 0, "
         "expected True steps, then False steps"),
        (lambda f: strangers.write_png(f / "depth/old_1.png", np.ones((4, 4), np.uint16)),
         "depth/old_1.png [size]: found (4, 4), expected (40, 48), as the images"),
        (lambda f: _rewrite(f, "old.npz", extrinsics=np.zeros((3, 4, 4), np.float32)),
         ". [content]: found "),
    ],
)  # fmt: skip
def test_a_fault_of_a_legacy_episode_is_named(
    tmp_path: Path, damage: Callable[[Path], None], text: str
) -> None:
    folder = strangers.write_legacy(tmp_path / "old")
    damage(folder)
    faults = [str(fault) for fault in validate_layout(folder, "legacy")]
    assert any(fault.startswith(text) for fault in faults), faults


def test_faults_of_a_traceforge_episode_are_named(tmp_path: Path) -> None:
    folder = strangers.write_traceforge(tmp_path / "old")
    flat = strangers.write_traceforge(tmp_path / "old2" / "old", channels=2)
    (folder / "samples/old_1.npz").write_bytes((flat / "samples/old_1.npz").read_bytes())
    grid = _sample(folder, "keypoints")
    _rewrite(folder, keypoints=grid[::-1], traj=_sample(folder, "traj")[::-1])
    (folder / "three_instructions.json").write_text('{"instruction_1": "go"}')
    assert [str(fault) for fault in validate_layout(folder, "traceforge")] == [
        "samples/old_0.npz [keypoints]: found other points, expected the 20 x 20 grid, row by row",
        "samples [channels]: found 3 in samples/old_0.npz and 2 in samples/old_1.npz, "
        "expected 2 or 3 throughout",
        "three_instructions.json [content]: found 1 texts, "
        "expected texts under instruction_1, instruction_2, instruction_3",
    ]
    _rewrite(
        folder,
        keypoints=grid[:100],
        traj=_sample(folder, "traj")[:100],
        traj_2d=_sample(folder, "traj_2d")[:100],
    )
    assert "samples/old_0.npz [keypoints]: found 100 points, expected 400, a 20 x 20 grid" in [
        str(fault) for fault in validate_layout(folder, "traceforge")
    ]


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    folder = strangers.write_legacy(tmp_path / "old")
    _rewrite(folder, cluster_ids=np.array([{"a": 1}, None], object))
    (fault,) = validate_layout(folder, "legacy")
    assert (fault.file, fault.field) == ("samples/old_0.npz", "file")
    assert "Object arrays cannot be loaded" in fault.found


def test_the_reader_names_what_it_cannot_use(tmp_path: Path) -> None:
    folder = strangers.write_legacy(tmp_path / "old")
    _rewrite(folder, visibs=np.ones(3, np.float16))
    with pytest.raises(EpisodeError, match=r"samples/old_0.npz \[visibs\] is \(3,\)"):
        open_view(folder, "legacy").rows(0)
    (folder / "samples/old_9.npz").write_bytes(b"")
    with pytest.raises(EpisodeError, match=r"old_9.npz has no image"):
        open_view(folder, "legacy")


def test_a_folder_becomes_a_table(tmp_path: Path, episode_folder: Path) -> None:
    strangers.write_legacy(tmp_path / "old")
    strangers.write_traceforge(tmp_path / "forge", channels=2)
    (strangers.write_legacy(tmp_path / "broken") / "images/broken_0.png").write_bytes(b"")
    table = write_episode_table(tmp_path, tmp_path / "episodes.parquet").set_index("episode")
    assert list(table.index) == ["broken", "forge", "old", "ur3_sim/clip_000"]
    assert list(table["layout"]) == ["legacy", "traceforge", "legacy", "official"]
    assert list(table["status"]) == ["unreadable", "ok", "ok", "ok"]
    assert list(table["n_rows"]) == [0, 2000, 4, 3]
    assert list(table["is_3d"]) == [False, False, True, True]
    assert list(table["has_clock"]) == [False, False, False, True]
    assert table.loc["forge", "instruction"] == "open the drawer"
    assert "no image" in str(table.loc["broken", "reason"])


def test_the_official_reader_of_mu0_says_how_to_convert(tmp_path: Path) -> None:
    folder = strangers.write_legacy(tmp_path / "old")
    with pytest.raises(EpisodeError, match=r"another layout(.|\n)*mu0 convert .*old OUT --to official"):
        read_episode(folder)
