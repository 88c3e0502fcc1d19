"""Real footage: a robot with depth gives metres, a hand and an AV1 video without depth give honest pixels."""

from pathlib import Path

import pytest

from mu0.params.extract import ExtractParams
from mu0.sources.own_files.reader import FileItem, write_item
from mu0.traceextract.engine import extract_clip

DATA = Path(__file__).parents[4] / "shared" / "data"
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is absent"),
]


def _extract(path: Path, tmp_path: Path):
    clip = write_item(FileItem(path.stem, path), tmp_path / "clip", "real", 10.0)
    return extract_clip(clip, ExtractParams())


def test_bridge_has_metres_a_still_camera_and_a_moving_gripper(tmp_path: Path) -> None:
    arrays, sidecar, row = _extract(DATA / "bridge_v2_drawer", tmp_path)
    assert sidecar.is_3d
    assert row["status"] == "ok"
    assert row["pose_source"] == "odometry"
    assert row["static_jitter_m"] < 0.01
    assert row["n_points_moving"] >= 10
    assert arrays.samples is not None


@pytest.mark.parametrize("name", ["sam2_gallery_hands/02_cups.mp4", "lerobot_v21_g1"])
def test_colour_only_footage_becomes_pixel_traces_and_says_so(name: str, tmp_path: Path) -> None:
    path = DATA / name
    path = path if path.suffix else sorted(path.rglob("*.mp4"))[0]
    arrays, sidecar, row = _extract(path, tmp_path)
    assert not sidecar.is_3d
    assert arrays.depth_m is None
    assert row["status"] == "ok"
    assert str(row["reason"]).startswith("2-D only: ")
