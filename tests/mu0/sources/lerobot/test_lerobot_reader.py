"""LeRobotDatasets of all versions: right frames, depth in metres, cut out of shared files, faults told."""

import json
import shutil
from pathlib import Path
from typing import Any

import lerobot_layouts as fixture
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lerobot_layouts import DEPTH, TOP, WRIST

from mu0.errors import SourceError
from mu0.params.raw_videos import LeRobotSource, RawVideosParams
from mu0.sources.clip.on_disk import Clip, read_clip
from mu0.sources.collect import collect_clips
from mu0.sources.lerobot.dataset_v3 import DemonstrationEpisode
from mu0.sources.lerobot.writer import write_lerobot_dataset

SHARED = Path(__file__).parents[5] / "shared/data"
VERSIONS = ("v2.0", "v2.1", "v3.0")
LENGTHS = [5, 7, 4]
COLOUR: dict[str, Any] = {TOP: fixture.video_feature()}


def write(root: Path, version: str, cameras: dict[str, Any] = COLOUR, **info: Any) -> Path:
    if version == "v3.0":
        return fixture.write_v3(root, LENGTHS, cameras, **info)
    return fixture.write_v2(root, version, LENGTHS, cameras, **info)


def collect(tmp_path: Path, root: Path, *, workers: int = 1, **options: Any) -> pd.DataFrame:
    source = LeRobotSource.model_validate({"kind": "lerobot", "folder": str(root), **options})
    params = RawVideosParams(sources={"lr": source}, workers=workers)
    return collect_clips(params, tmp_path / "raw", tmp_path / "tracks", tmp_path / "cache")


def clip_of(tmp_path: Path, episode: int) -> Clip:
    return read_clip(tmp_path / f"raw/lr/episode_{episode:06d}")


def seen(clip: Clip) -> list[tuple[int, int]]:
    return [fixture.seen_in(frame) for frame in clip.iter_frames()]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_gives_the_right_frames_and_texts(tmp_path: Path, version: str) -> None:
    index = collect(tmp_path, write(tmp_path / "data", version))
    assert index["status"].tolist() == ["ok"] * 3
    assert index["n_frames"].tolist() == LENGTHS
    assert index["instruction"].tolist() == [fixture.TASKS[0], fixture.TASKS[1], fixture.TASKS[0]]
    assert index["reason"][0] == (
        "observation.state (7) and action (7) of robot 'franka' were left out: not in the layout of ur3"
    )
    for episode, length in enumerate(LENGTHS):
        clip = clip_of(tmp_path, episode)
        assert seen(clip) == [(episode, number) for number in range(length)]
        times = clip.times()
        assert times is not None
        np.testing.assert_allclose(times.time_s, np.arange(length) / 10)


@pytest.mark.parametrize("version", VERSIONS)
def test_resampling_takes_the_nearest_frames_and_their_depth(tmp_path: Path, version: str) -> None:
    cameras = {TOP: fixture.video_feature(), DEPTH: fixture.image_feature(1)}
    index = collect(tmp_path, write(tmp_path / "data", version, cameras), resample_hz=4.0)
    assert index["fps_hz"].tolist() == [4.0] * 3
    clip = clip_of(tmp_path, 1)
    assert [number for _, number in seen(clip)] == [0, 3, 5]
    depth_m = clip.depth_m()
    assert depth_m is not None
    np.testing.assert_allclose(depth_m[2], fixture.depth_m(1, 5), atol=0.0006)


DEPTHS = {
    "quantised": (
        fixture.video_feature(
            "gray12le", (fixture.H, fixture.W, 1), is_depth_map=True, **fixture.QUANTISATION
        ),
        0.0025,  # half a step of the logarithmic code at 2 m
    ),
    "plain": (fixture.video_feature("gray16le", (fixture.H, fixture.W, 1)), 0.0006),
    "images": (fixture.image_feature(1), 0.0006),
}


@pytest.mark.parametrize("version", ["v2.1", "v3.0"])
@pytest.mark.parametrize("coding", sorted(DEPTHS))
def test_depth_comes_back_in_metres(tmp_path: Path, version: str, coding: str) -> None:
    feature, tolerance_m = DEPTHS[coding]
    collect(tmp_path, write(tmp_path / "data", version, {TOP: fixture.video_feature(), DEPTH: feature}))
    for episode in range(3):
        depth_m = clip_of(tmp_path, episode).depth_m()
        assert depth_m is not None
        for number, image in enumerate(depth_m):
            np.testing.assert_allclose(image, fixture.depth_m(episode, number), atol=tolerance_m)
            assert (image[:2] == 0).all()


@pytest.mark.parametrize(
    ("feature", "words"),
    [
        (
            fixture.video_feature("yuv420p", is_depth_map=True),
            "it is a yuv420p video, which does not hold metres",
        ),
        (
            fixture.video_feature("gray12le", (fixture.H, fixture.W, 1)),
            "it does not tell video.depth_min, depth_max, shift and use_log",
        ),
        (
            fixture.video_feature("gray16le", (24, 48, 1)),
            "it has shape (24, 48, 1), the frames (48, 96) (height, width): they cannot be laid",
        ),
    ],
)
def test_depth_that_is_not_metric_or_registered_is_left_out_and_told(
    tmp_path: Path, feature: dict[str, Any], words: str
) -> None:
    index = collect(
        tmp_path, write(tmp_path / "data", "v2.1", {TOP: fixture.video_feature(), DEPTH: feature})
    )
    assert not index["has_depth"].any()
    assert f"depth {DEPTH} was left out: {words}" in index["reason"][0]


@pytest.mark.parametrize("version", VERSIONS)
def test_images_in_parquet_are_kept_without_loss(tmp_path: Path, version: str) -> None:
    collect(tmp_path, write(tmp_path / "data", version, {TOP: fixture.image_feature(3)}))
    frames = clip_of(tmp_path, 2).frames()
    np.testing.assert_array_equal(frames, np.stack([fixture.picture(2, n) for n in range(LENGTHS[2])]))


def test_a_video_of_one_episode_is_kept_as_it_is(tmp_path: Path) -> None:
    root = write(tmp_path / "data", "v2.1")
    collect(tmp_path, root)
    kept = (clip_of(tmp_path, 0).folder / "video.mp4").read_bytes()
    assert kept == (root / f"videos/chunk-000/{TOP}/episode_000000.mp4").read_bytes()


def test_the_camera_can_be_chosen_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    root = write(tmp_path / "data", "v2.1", {TOP: fixture.video_feature(), WRIST: fixture.image_feature(3)})
    collect(tmp_path, root, camera=WRIST)
    assert clip_of(tmp_path, 0).info.video == "video.mkv"
    with pytest.raises(SourceError, match=rf"has the cameras {TOP}, {WRIST}, not 'front'\."):
        collect(tmp_path, root, camera="front")


def test_our_own_robot_layout_is_kept_with_the_action_that_leads_to_the_next_frame(tmp_path: Path) -> None:
    root = write(tmp_path / "data", "v3.0", robot_size=(9, 5))
    collect(tmp_path, root, embodiment="ur3", resample_hz=5.0)
    clip = clip_of(tmp_path, 1)
    robot = clip.robot()
    assert robot is not None
    assert clip.info.embodiment == "ur3"
    assert [number for _, number in seen(clip)] == [0, 2, 4, 6]
    np.testing.assert_array_equal(robot.state[:, 0], [100, 102, 104, 106])
    np.testing.assert_array_equal(robot.action[:, 0], [101.5, 103.5, 105.5, 106.5])


def test_our_own_demonstrations_come_back_as_clips(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    episode = DemonstrationEpisode(
        front=np.stack([fixture.picture(1, number) for number in range(6)]),
        wrist=np.full((6, 64, 64, 3), 90, np.uint8),
        state=rng.normal(size=(6, 9)).astype(np.float32),
        action=rng.normal(size=(6, 5)).astype(np.float32),
        instruction="lift the mug",
    )
    write_lerobot_dataset(tmp_path / "set", [episode, episode], fps_hz=10.0, robot_type="ur3e")
    index = collect(tmp_path, tmp_path / "set", embodiment="ur3")
    assert index["reason"].tolist() == ["", ""]
    clip = clip_of(tmp_path, 1)
    robot, wrist = clip.robot(), clip.wrist_frames()
    assert robot is not None
    assert wrist is not None
    np.testing.assert_array_equal(robot.state, episode.state)
    np.testing.assert_array_equal(robot.action, episode.action)
    np.testing.assert_allclose(wrist.astype(int), 90, atol=3)
    assert clip.info.instruction == "lift the mug"
    assert seen(clip) == [(1, number) for number in range(6)]


@pytest.mark.parametrize("version", ["v2.1", "v3.0"])
def test_the_number_of_workers_changes_no_byte(tmp_path: Path, version: str) -> None:
    cameras = {**COLOUR, DEPTH: fixture.image_feature(1)}
    root = write(tmp_path / "data", version, cameras)
    contents = []
    for workers in (1, 3):
        collect(tmp_path / str(workers), root, workers=workers)
        raw = tmp_path / str(workers) / "raw"
        files = sorted(path for path in raw.rglob("*") if path.is_file())
        contents.append({path.relative_to(raw): path.read_bytes() for path in files})
    assert len(contents[0]) == 3 * 4 + 2  # the index and the list of contents
    assert contents[0] == contents[1]


def reasons(index: pd.DataFrame) -> list[str]:
    assert set(index["status"]) <= {"ok", "failed"}
    return index["reason"].where(index["status"] == "failed", "ok").tolist()


def test_a_corrupt_episode_among_good_ones_is_a_row_with_its_reason(tmp_path: Path) -> None:
    root = write(tmp_path / "data", "v2.1")
    video = root / f"videos/chunk-000/{TOP}/episode_000001.mp4"
    video.write_bytes(video.read_bytes()[:-200])
    (root / "data/chunk-000/episode_000002.parquet").write_bytes(b"PAR1 and then nothing")
    found = reasons(collect(tmp_path, root))
    assert found[0] == "ok"
    assert "episode_000001.mp4" in found[1]
    assert "no readable index (moov)" in found[1]
    assert "episode_000002.parquet cannot be read" in found[2]


def test_missing_files_and_lines_that_are_no_json_are_rows(tmp_path: Path) -> None:
    root = write(tmp_path / "data", "v2.0")
    (root / f"videos/chunk-000/{TOP}/episode_000000.mp4").unlink()
    with (root / "meta/episodes.jsonl").open("a") as stream:
        stream.write('{"episode_index": 3, "tas\n{"episode_index": 4}\n')
    index = collect(tmp_path, root)
    found = reasons(index)
    assert index["clip_id"].tolist()[3:] == ["line_000004", "line_000005"]
    assert "episode_000000.mp4 is missing." in found[0]
    assert found[1:3] == ["ok", "ok"]
    assert "episodes.jsonl, line 4 is not a JSON object" in found[3]
    assert "entry 4 of the episodes is damaged: KeyError('length')" in found[4]


def test_frames_and_rows_must_fit(tmp_path: Path) -> None:
    root = write(tmp_path / "data", "v2.1")
    table = pq.read_table(root / "data/chunk-000/episode_000001.parquet")
    pq.write_table(table.slice(0, 4), root / "data/chunk-000/episode_000001.parquet")
    fixture.encode(
        root / f"videos/chunk-000/{TOP}/episode_000000.mp4", [fixture.picture(0, n) for n in range(3)]
    )
    found = reasons(collect(tmp_path, root))
    assert "episode_000000.mp4 holds 3 frames, the episode 5 rows." in found[0]
    assert "holds 4 rows of episode_000001." in found[1]


def test_more_frames_than_rows_are_cut_and_told(tmp_path: Path) -> None:
    root = write(tmp_path / "data", "v2.1")
    fixture.encode(
        root / f"videos/chunk-000/{TOP}/episode_000000.mp4", [fixture.picture(0, n) for n in range(8)]
    )
    index = collect(tmp_path, root)
    assert seen(clip_of(tmp_path, 0)) == [(0, n) for n in range(5)]
    assert "the last 3 frames of the video were left out: they have no rows" in index["reason"][0]


def edit_episodes(root: Path, column: str, values: list[Any]) -> None:
    path = root / "meta/episodes/chunk-000/file-000.parquet"
    table = pq.read_table(path)
    place = table.column_names.index(column)
    pq.write_table(table.set_column(place, column, pa.array(values)), path)


def test_drifted_times_find_the_nearest_frame_and_wrong_ones_are_told(tmp_path: Path) -> None:
    root = write(tmp_path / "data", "v3.0")
    edit_episodes(root, f"videos/{TOP}/from_timestamp", [0.0, 0.5 - 0.004, 1.2 + 0.004])
    collect(tmp_path, root)
    for episode, length in enumerate(LENGTHS):
        assert seen(clip_of(tmp_path, episode)) == [(episode, n) for n in range(length)]
    edit_episodes(root, f"videos/{TOP}/from_timestamp", [0.0, 0.5, 1.0])
    found = reasons(collect(tmp_path, root))
    assert found[:2] == ["ok", "ok"]
    assert "the metadata give 6.0 frames (1.0000 s to 1.6000 s) to an episode of 4 rows." in found[2]


def test_episodes_that_are_promised_but_not_listed_are_counted(tmp_path: Path) -> None:
    root = write(tmp_path / "data", "v3.0", total_episodes=9)
    index = collect(tmp_path, root)
    assert index["clip_id"].tolist()[-1] == "episodes_not_listed"
    assert "lists 3 of 9 episodes." in reasons(index)[-1]


@pytest.mark.parametrize("version", ["v2.1", "v3.0"])
@pytest.mark.parametrize("field", ["data_path", "video_path"])
def test_paths_that_leave_the_dataset_are_refused(tmp_path: Path, version: str, field: str) -> None:
    template = "/etc/{file_index}" if version == "v3.0" else "../../secret/{episode_index}"
    paths: dict[str, Any] = {field: template}
    root = write(tmp_path / "data", version, **paths)
    with pytest.raises(SourceError, match=r"No clip came out[\s\S]*points outside"):
        collect(tmp_path, root)


def test_one_link_to_the_outside_fails_that_episode_only(tmp_path: Path) -> None:
    root = write(tmp_path / "data", "v2.1")
    video = root / f"videos/chunk-000/{TOP}/episode_000001.mp4"
    video.rename(tmp_path / "elsewhere.mp4")
    video.symlink_to(tmp_path / "elsewhere.mp4")
    found = reasons(collect(tmp_path, root))
    assert (found[0], found[2]) == ("ok", "ok")
    assert "points outside" in found[1]
    assert "`cp -rL` copies what links lead to" in found[1]


@pytest.mark.parametrize("template", ["{nothing}.mp4", "{0}", "{video_key.__class__.mro}", "{", 7])
def test_a_template_that_cannot_be_filled_is_told_with_its_key(tmp_path: Path, template: Any) -> None:
    root = write(tmp_path / "data", "v2.1", video_path=template)
    with pytest.raises(SourceError, match=r"meta/info\.json: video_path is "):
        collect(tmp_path, root)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"codebase_version": "v1.6"}, r"codebase_version 'v1\.6'\.[\s\S]*v2\.0, v2\.1, v3\.0"),
        ({"fps": 0}, r"fps is 0\."),
    ],
)
def test_what_is_no_known_dataset_is_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    root = write(tmp_path / "data", "v2.1", **change)
    with pytest.raises(SourceError, match=words):
        collect(tmp_path, root)


def test_a_missing_folder_or_info_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"absent does not exist\.\s+expected: a LeRobotDataset"):
        collect(tmp_path, tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"info\.json is missing\.[\s\S]*a LeRobotDataset folder"):
        collect(tmp_path, tmp_path / "empty")


def test_some_episodes_can_be_asked_for_and_only_new_ones_are_made(tmp_path: Path) -> None:
    root = write(tmp_path / "data", "v2.1")
    assert collect(tmp_path, root, first=1, max_clips=1)["clip_id"].tolist() == ["episode_000001"]
    entries = set((tmp_path / "cache").iterdir())
    assert len(collect(tmp_path, root)) == 3
    assert entries < set((tmp_path / "cache").iterdir())
    assert len(list((tmp_path / "cache").iterdir())) == 3


def entries(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "cache").iterdir()}


def test_a_dataset_that_grows_costs_its_new_episodes_only(tmp_path: Path) -> None:
    cameras = {**COLOUR, DEPTH: fixture.image_feature(1)}
    collect(tmp_path, fixture.write_v3(tmp_path / "data", [5, 7], cameras))
    before = entries(tmp_path)
    shutil.rmtree(tmp_path / "data")
    collect(tmp_path, fixture.write_v3(tmp_path / "data", [5, 7, 4], cameras))
    assert before < entries(tmp_path)
    assert len(entries(tmp_path)) == 3


@pytest.mark.parametrize("changed", [1, 2])
def test_what_changes_in_an_episode_changes_its_fingerprint(tmp_path: Path, changed: int) -> None:
    root = fixture.write_v3(tmp_path / "data", [5, 7, 4], COLOUR)
    collect(tmp_path, root)
    before = entries(tmp_path)
    images = [fixture.picture(e, n) for e, length in enumerate([5, 7, 4]) for n in range(length)]
    images[[0, 5, 12][changed] + 2][:4, :4] = 255
    fixture.encode(root / f"videos/{TOP}/chunk-000/file-000.mp4", images)
    collect(tmp_path, root)
    assert len(entries(tmp_path)) > len(before)


def test_the_licence_of_the_dataset_card_is_kept(tmp_path: Path) -> None:
    root = write(tmp_path / "data", "v2.1")
    (root / "README.md").write_text("---\nlicense: apache-2.0\ntags:\n- LeRobot\n---\nlicense: none\n")
    assert collect(tmp_path, root)["licence"].unique().tolist() == ["apache-2.0"]


def test_intrinsics_of_a_calibration_file_are_flagged(tmp_path: Path) -> None:
    root = write(tmp_path / "data", "v2.1")
    camera = {"fx": 80, "fy": 80, "cx": 47.5, "cy": 23.5}
    (tmp_path / "cameras.json").write_text(json.dumps({TOP: camera}))
    index = collect(tmp_path, root, calibration=str(tmp_path / "cameras.json"), assumed_fov_deg=60.0)
    assert index["intrinsics_source"].unique().tolist() == ["calibration"]
    (tmp_path / "cameras.json").write_text(json.dumps({WRIST: camera}))
    index = collect(tmp_path, root, calibration=str(tmp_path / "cameras.json"))
    assert index["intrinsics_source"].unique().tolist() == ["none"]


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize("rate_hz", [None, 10.0])
def test_a_real_av1_dataset_is_read(tmp_path: Path, rate_hz: float | None) -> None:
    root = SHARED / "lerobot_v21_g1"
    if not root.exists():
        pytest.skip("../shared/data is absent")
    index = collect(tmp_path, root, first=28, max_clips=4, resample_hz=rate_hz)
    assert index["status"].tolist() == ["failed", "ok", "ok", "failed"]
    assert index["n_frames"].tolist() == ([0, 221, 277, 0] if rate_hz is None else [0, 74, 93, 0])
    assert index["instruction"][1] == "Pick up the yellow bottle on the table."
    assert len(list(clip_of(tmp_path, 29).iter_frames())) == index["n_frames"][1]
