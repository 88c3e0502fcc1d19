"""The four dataset readers through the collector: params.yaml -> clips and index; one clip -> an episode."""

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from dataset_layouts import (
    bytes_feature,
    droid_episode,
    write_agibot_raw,
    write_agibot_simple,
    write_droid,
    write_egodex,
    write_egoverse,
)

from mu0.episodes.read import read_episode
from mu0.episodes.validate import validate_episode
from mu0.episodes.write import write_episode
from mu0.params.extract import ExtractParams
from mu0.params.raw_videos import RawVideosParams
from mu0.sources.clip.on_disk import read_clip
from mu0.sources.collect import collect_clips
from mu0.traceextract.engine import extract_clip

PARAMS = """
sources:
  droid:    {{kind: droid, folder: {root}/droid}}
  egodex:   {{kind: egodex, folder: {root}/egodex, max_clips: 1}}
  agibot:   {{kind: agibot, folder: {root}/agibot}}
  simple:   {{kind: agibot, folder: {root}/simple, assumed_fov_deg: 65, licence: my own}}
  egoverse: {{kind: egoverse, folder: {root}/egoverse}}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_droid(tmp_path / "droid/1.0.1", [[droid_episode(24)], None])
    write_egodex(tmp_path / "egodex", number="0")
    write_egodex(tmp_path / "egodex", number="1")
    write_agibot_raw(tmp_path / "agibot")
    write_agibot_simple(tmp_path / "simple")
    write_egoverse(tmp_path / "egoverse")
    return tmp_path


def collected(root: Path) -> dict[str, dict[str, Any]]:
    params = RawVideosParams.model_validate(yaml.safe_load(PARAMS.format(root=root)))
    index = collect_clips(params, root / "clips", root / "tracks", root / "cache")
    return {f"{row['source']}/{row['clip_id']}": dict(row) for row in index.to_dict("records")}


def sliding_patch(number: int) -> bytes:
    """A frame in which a speckled patch slides over a speckled ground, 3 px per frame."""
    speckles = np.random.default_rng(0).integers(0, 256, (2, 24, 32, 3), np.uint8)
    ground, patch = (cv2.resize(part, (192, 144), interpolation=cv2.INTER_CUBIC) for part in speckles)
    ground[50:98, 20 + 3 * number : 68 + 3 * number] = patch[:48, :48]
    return cv2.imencode(".jpg", ground, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def test_all_four_datasets_become_rows_of_one_index(root: Path) -> None:
    rows = collected(root)
    columns = ("status", "n_frames", "fps_hz", "intrinsics_source", "has_poses", "embodiment", "licence")
    assert {name: tuple(row[column] for column in columns) for name, row in rows.items()} == {
        "droid/droid_shard00000_ep000": ("ok", 24, 15.0, "none", False, "unknown", "CC BY 4.0"),
        "droid/droid_shard00001": ("failed", 0, 0.0, "none", False, "unknown", ""),
        "egodex/part1__add_remove_lid__0": ("ok", 12, 30.0, "data", True, "human_hand", "CC BY-NC-ND 4.0"),
        "agibot/327__648642": ("ok", 12, 30.0, "data", True, "unknown", "CC BY-NC-SA 4.0"),
        "simple/327__648642": ("ok", 12, 30.0, "assumed_fov", False, "unknown", "my own"),
        "egoverse/2026-01-12-03-47-29-664000": ("ok", 12, 30.0, "data", True, "human_hand", ""),
    }
    assert rows["droid/droid_shard00001"]["reason"].startswith("1 shards with 2 episodes are missing: ")
    for name, row in rows.items():
        if row["status"] == "ok":
            assert read_clip(root / "clips" / name).frames().shape == (row["n_frames"], 48, 64, 3)


def test_a_second_collection_takes_every_clip_from_the_cache(root: Path) -> None:
    collected(root)
    entries = {path: path.stat().st_mtime_ns for path in (root / "cache").iterdir()}
    collected(root)
    assert {path: path.stat().st_mtime_ns for path in (root / "cache").iterdir()} == entries


@pytest.mark.slow
def test_a_droid_clip_becomes_a_2d_episode(root: Path) -> None:
    images = bytes_feature([sliding_patch(number) for number in range(24)])
    episode = droid_episode(24, **{"steps/observation/exterior_image_1_left": images})
    shutil.rmtree(root / "droid")
    write_droid(root / "droid/1.0.1", [[episode], None])
    collected(root)
    clip = read_clip(root / "clips/droid/droid_shard00000_ep000")
    params = ExtractParams(n_keypoints=40, n_entities=4, small_width_px=64, target_fps_hz=15.0)
    arrays, sidecar, row = extract_clip(clip, params)
    assert row["status"] == "ok"
    write_episode(root / "episode", arrays, sidecar)
    assert validate_episode(root / "episode") == []
    episode = read_episode(root / "episode")
    assert (episode.sidecar.is_3d, episode.sidecar.instruction) == (False, "open the drawer")
    assert len(episode.images) == 24
