"""Collecting: failed clips are rows, the others go on, and an interrupted collection is resumed."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from mu0.envs.ground_truth import GroundTruthTracks
from mu0.errors import SimulationError, SourceError
from mu0.params.raw_videos import FilesSource, RawVideosParams, SimulatedSource
from mu0.sources import recording
from mu0.sources.clip.cache import only_collector
from mu0.sources.clip.on_disk import list_clips, read_clip
from mu0.sources.collect import collect_clips
from mu0.sources.containers.encoding import write_video
from mu0.sources.demonstrations import Kept, demonstrations_of, write_demonstrations
from mu0.sources.item import SourceItem
from mu0.sources.own_files.reader import FilesReader
from mu0.sources.simulated import RecordedClip

T, SIZE = 5, 16


def fake_clip(params: SimulatedSource, index: int) -> RecordedClip:
    """A recording without a simulator; odd indices are demonstrations that failed."""
    rng = np.random.default_rng(index)
    return RecordedClip(
        clip_id=f"ur3_{index:05d}",
        scene_id=f"scene_{index // 2}",
        instruction=f"pick object {index % 3}",
        embodiment="ur3",
        fps_hz=10.0,
        frames=np.full((T, SIZE, SIZE, 3), 10 * index, np.uint8),
        depth_m=rng.uniform(1, 2, (T, SIZE, SIZE)),
        intrinsics=np.array([[10.0, 0, 7.5], [0, 10.0, 7.5], [0, 0, 1]]),
        camera_from_world=np.tile(np.eye(4), (T, 1, 1)),
        camera_poses_known=index != 2,
        wrist_frames=np.zeros((T, 64, 64, 3), np.uint8),
        robot_state=rng.normal(size=(T, 9)),
        robot_action=rng.normal(size=(T, 5)),
        success=index % 2 == 0,
        truth=GroundTruthTracks(
            points_world=rng.normal(size=(T, 3, 3)).astype(np.float32),
            visible=np.ones((T, 3), bool),
            entity=np.arange(3, dtype=np.int32),
            is_moving=np.zeros(3, bool),
        ),
        phases=("reach",) * (T - 1) + ("retreat",),
        target_name="red apple",
    )


class Recorder:
    """Counts what is recorded, and fails or is interrupted where asked."""

    def __init__(self, action: Callable[[int], None] = lambda index: None) -> None:
        self.recorded: list[int] = []
        self.action = action

    def __call__(self, params: SimulatedSource, index: int) -> RecordedClip:
        self.action(index)
        self.recorded.append(index)
        return fake_clip(params, index)


def simulated(n_clips: int = 4) -> RawVideosParams:
    source = SimulatedSource(kind="simulated", embodiment="ur3", n_clips=n_clips)
    return RawVideosParams(sources={"ur3_sim": source}, workers=1)


def collect(params: RawVideosParams, root: Path) -> pd.DataFrame:
    return collect_clips(params, root / "raw_videos", root / "ground_truth_tracks", root / "cache")


def use(monkeypatch: pytest.MonkeyPatch, recorder: Recorder) -> Recorder:
    monkeypatch.setattr(recording, "record_clip", recorder)
    return recorder


def test_simulated_clips_and_their_truth_are_kept_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Recorder())
    index = collect(simulated(), tmp_path)
    assert index["clip_id"].tolist() == [f"ur3_{i:05d}" for i in range(4)]
    assert index["status"].eq("ok").all()
    assert index["demonstrator_success"].tolist() == [True, False, True, False]
    assert index["has_poses"].tolist() == [True, True, False, True]
    clips = list_clips(tmp_path / "raw_videos")
    assert [read_clip(clip).info.n_frames for clip in clips] == [T] * 4
    truth = np.load(tmp_path / "ground_truth_tracks/ur3_sim/ur3_00002.npz")
    assert truth["camera_from_world"].shape == (T, 4, 4)
    assert truth["points_world"].shape == (T, 3, 3)
    assert truth["phase"].tolist() == ["reach"] * (T - 1) + ["retreat"]
    assert truth["target_name"].item() == "red apple"
    assert not list((tmp_path / "raw_videos").rglob("truth*"))


def test_an_interrupted_collection_keeps_what_was_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(index: int) -> None:
        if index == 2:
            raise KeyboardInterrupt

    first = use(monkeypatch, Recorder(interrupt))
    with pytest.raises(KeyboardInterrupt):
        collect(simulated(), tmp_path)
    assert first.recorded == [0, 1]
    assert not (tmp_path / "raw_videos").exists()
    second = use(monkeypatch, Recorder())
    assert len(collect(simulated(), tmp_path)) == 4
    assert second.recorded == [2, 3]


def test_more_clips_record_only_the_new_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Recorder())
    collect(simulated(3), tmp_path)
    second = use(monkeypatch, Recorder())
    assert len(collect(simulated(5), tmp_path)) == 5
    assert second.recorded == [3, 4]


def test_a_clip_that_fails_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(index: int) -> None:
        if index == 1:
            raise SimulationError("The apple fell off the table.", expected="an apple", remedy="none.")

    use(monkeypatch, Recorder(fail))
    index = collect(simulated(3), tmp_path)
    assert index["status"].tolist() == ["ok", "failed", "ok"]
    assert "apple fell off" in index["reason"][1]
    assert index["demonstrator_success"].isna().tolist() == [False, True, False]


def test_files_are_collected_beside_damaged_ones(tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    write_video(videos / "good.mp4", [np.full((16, 16, 3), i, np.uint8) for i in range(4)], 10.0)
    (videos / "bad.mp4").write_bytes((videos / "good.mp4").read_bytes()[:300])
    params = RawVideosParams(sources={"my_videos": FilesSource(kind="files", folder=str(videos))})
    index = collect(params, tmp_path)
    assert dict(zip(index["clip_id"], index["status"], strict=True)) == {"bad": "failed", "good": "ok"}
    assert "no readable index (moov)" in index["reason"][0]
    assert index["demonstrator_success"].isna().all()
    assert [path.name for path in (tmp_path / "ground_truth_tracks").iterdir()] == ["README.md"]


def test_what_a_killed_collection_left_is_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = [tmp_path / "cache/.abc.x1", tmp_path / ".raw_videos.x2", tmp_path / ".ground_truth_tracks.x3"]
    for folder in left:
        (folder / "clip").mkdir(parents=True)
    use(monkeypatch, Recorder())
    collect(simulated(1), tmp_path)
    assert not any(folder.exists() for folder in left)


def test_a_second_collector_waits_for_the_first(tmp_path: Path) -> None:
    events, entered = [], threading.Event()

    def second() -> None:
        with only_collector(tmp_path / "cache"):
            entered.set()
            events.append("second")

    waiting = threading.Thread(target=second)
    with only_collector(tmp_path / "cache"):
        waiting.start()
        assert not entered.wait(0.1)
        events.append("first")
    waiting.join()
    assert events == ["first", "second"]


def test_first_and_max_clips_choose_in_order(tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    for name in "abcd":
        write_video(videos / f"{name}.mp4", [np.full((16, 16, 3), i, np.uint8) for i in range(4)], 10.0)
    source = FilesSource(kind="files", folder=str(videos), first=1, max_clips=2)
    index = collect(RawVideosParams(sources={"mine": source}), tmp_path)
    assert index["clip_id"].tolist() == ["b", "c"]


def test_a_name_that_stands_twice_is_a_fault_and_not_an_overwritten_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "videos").mkdir()
    write_video(tmp_path / "videos/a.mp4", [np.full((16, 16, 3), i, np.uint8) for i in range(4)], 10.0)

    class Doubled(FilesReader):  # type: ignore[misc] # final, but not for this test
        def items(self) -> Iterator[SourceItem]:
            for item in super().items():
                yield from (item, item, replace(item, clip_id="../a"))

    monkeypatch.setattr("mu0.sources.own_files.reader.FilesReader", Doubled)
    source = FilesSource(kind="files", folder=str(tmp_path / "videos"))
    index = collect(RawVideosParams(sources={"mine": source}), tmp_path)
    assert index["clip_id"].tolist() == ["a", "a_2", "a_3"]
    assert index["status"].tolist() == ["ok", "failed", "failed"]
    assert "'../a' is used twice or cannot be a folder's name" in index["reason"][2]
    assert [path.name for path in list_clips(tmp_path / "raw_videos")] == ["a"]


def test_no_clip_at_all_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    params = RawVideosParams(
        sources={"my_videos": FilesSource(kind="files", folder=str(tmp_path / "videos"))}
    )
    with pytest.raises(
        SourceError, match=r"No clip came out of the sources my_videos; 0 failed[\s\S]*data/videos"
    ):
        collect(params, tmp_path)


def test_only_successful_demonstrations_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Recorder())
    collect(simulated(), tmp_path)
    goal = tmp_path / "demonstrations"
    dataset = write_demonstrations(tmp_path / "raw_videos", "ur3_sim", goal, Kept(failures=False))
    assert dataset.tasks == ("pick object 0", "pick object 2")
    episode = dataset.load_episode(1)
    expected = fake_clip(SimulatedSource(kind="simulated", embodiment="ur3", n_clips=1), 2)
    assert expected.robot_action is not None
    np.testing.assert_array_equal(episode.action, expected.robot_action.astype(np.float32))
    np.testing.assert_allclose(episode.front.astype(int), expected.frames.astype(int), atol=4)


def test_no_demonstrations_names_the_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Recorder())
    collect(simulated(1), tmp_path)
    with pytest.raises(SourceError, match=r"Of 0 clips of source 'hand_sim' none[\s\S]*sources are ur3_sim"):
        demonstrations_of(tmp_path / "raw_videos", "hand_sim", keep_failures=True)


def test_failures_are_kept_behind_the_others_and_labelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Recorder())
    collect(simulated(), tmp_path)
    clips = tmp_path / "raw_videos"
    good = write_demonstrations(clips, "ur3_sim", tmp_path / "good", Kept(failures=False))
    every = write_demonstrations(clips, "ur3_sim", tmp_path / "every")
    assert [record.success for record in every.episodes] == [True, True, False, False]
    assert every.not_failed() == [0, 1]
    rows = pq.read_table(tmp_path / "every/data/chunk-000/file-000.parquet")
    assert [i for i, done in enumerate(rows["next.done"].to_pylist()) if done] == [4, 9, 14, 19]
    assert [i for i, reached in enumerate(rows["next.success"].to_pylist()) if reached] == [4, 9]
    name = "videos/observation.images.front/chunk-000/file-000.mp4"
    assert (good.root / name).read_bytes() == (every.root / name).read_bytes()
    kept = pq.read_table(tmp_path / "good/data/chunk-000/file-000.parquet")
    assert rows.slice(0, len(kept)).equals(kept)


def test_a_scene_that_params_do_not_tell_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Recorder())
    params = simulated()
    collect(params, tmp_path)
    recorded = params.sources["ur3_sim"]
    assert isinstance(recorded, SimulatedSource)
    with pytest.raises(SourceError, match=r"is of scene 'scene_0', by params\.yaml of seed 0"):
        write_demonstrations(
            tmp_path / "raw_videos", "ur3_sim", tmp_path / "demonstrations", Kept(recorded=recorded)
        )
