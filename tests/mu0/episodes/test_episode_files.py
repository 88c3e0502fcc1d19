"""Writing and reading: bit for bit, lazily, all or nothing."""

import errno
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mu0.episodes.arrays import SAMPLE_NAMES, EpisodeArrays, SampleExtras, Samples
from mu0.episodes.read import list_episodes, read_episode
from mu0.episodes.validate import validate_episode
from mu0.episodes.write import write_episode
from mu0.errors import EpisodeError
from mu0.files import sha256_of_tree

OFFICIAL_ORDER = (  # noqa: SIM905  one list of words, as the reference prints it
    "frame_indices offsets keypoints cluster_ids is_moving visibs traj traj_history valid_steps "
    "valid_steps_history raw_traj raw_traj_history raw_valid_steps raw_valid_steps_history"
).split()


def _arrays_of(folder: Path) -> EpisodeArrays:
    episode = read_episode(folder)
    with np.load(folder / "movement_statistics.npz") as archive:
        movement = {key: archive[key] for key in archive.files}
    return EpisodeArrays(
        images=episode.images,
        depth_m=episode.depth,
        intrinsics=episode.intrinsics,
        camera_from_world=episode.camera_from_world,
        acceleration=episode.acceleration,
        samples=episode.samples,
        movement=movement,
        description=(folder / "description.txt").read_text(),
        meta={"dataset": "mu0"},
    )


def test_the_folder_is_the_official_one_and_one_sidecar(episode_folder: Path) -> None:
    names = {
        path.relative_to(episode_folder).as_posix() for path in episode_folder.rglob("*") if path.is_file()
    }
    assert names == {
        "images.npy", "depth.npy", "cameras.npz", "acceleration.npz", "movement_statistics.npz",
        "description.txt", "meta.json", "mu0.json", *(f"samples/{name}.npy" for name in OFFICIAL_ORDER),
    }  # fmt: skip
    assert list(SAMPLE_NAMES) == OFFICIAL_ORDER


def test_arrays_are_plain_numpy_files_and_archives_are_not_compressed(episode_folder: Path) -> None:
    assert (episode_folder / "samples" / "traj.npy").read_bytes()[:8] == b"\x93NUMPY\x01\x00"
    with np.load(episode_folder / "cameras.npz") as archive:
        assert archive.files == ["intrinsics", "extrinsics", "height", "width"]
        assert (archive["height"].dtype, archive["height"].shape, int(archive["width"])) == (np.int32, (), 10)
        assert all(item.compress_type == 0 for item in archive.zip.infolist())


def test_write_read_write_gives_equal_bytes(episode_folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    write_episode(again, _arrays_of(episode_folder), read_episode(episode_folder).sidecar)
    assert sha256_of_tree(again) == sha256_of_tree(episode_folder)


def test_what_is_read_is_what_was_written(episode_folder: Path, content: Any) -> None:
    episode = read_episode(episode_folder)
    assert episode.samples is not None
    for item in fields(Samples):
        written, read = getattr(content.arrays.samples, item.name), getattr(episode.samples, item.name)
        assert read.dtype == written.dtype
        np.testing.assert_array_equal(read, written)
    assert episode.sidecar.source_frames == content.sidecar.source_frames
    assert episode.sidecar.episode_id == "ur3_sim/clip_000"


def test_clock_time_survives_to_a_thousandth_of_a_frame(episode_folder: Path, content: Any) -> None:
    read, written = read_episode(episode_folder).sidecar.retiming, content.sidecar.retiming
    assert read is not None
    np.testing.assert_allclose(read.future_frame, written.future_frame, atol=5e-4)
    np.testing.assert_allclose(read.history_frame, written.history_frame, atol=5e-4)
    np.testing.assert_array_equal(read.track_ids, [4, 9, 9])
    assert [read.run_of_row(row) for row in range(3)] == [0, 0, 1]
    np.testing.assert_allclose(read.path_length(), [0, 0.05, 0.1, 0.15, 0.2])


def test_reading_maps_files_into_memory(episode_folder: Path) -> None:
    episode = read_episode(episode_folder)
    assert isinstance(episode.images, np.memmap)
    assert episode.samples is not None
    assert isinstance(episode.samples.traj, np.memmap)


def test_a_slot_is_the_rows_of_its_anchor(episode_folder: Path) -> None:
    episode = read_episode(episode_folder)
    assert episode.slot(0) == slice(0, 2)
    assert episode.slot(2) == slice(2, 3)
    with pytest.raises(EpisodeError, match=r"Frame 1 of .*clip_000 has no samples"):
        episode.slot(1)


def test_an_official_episode_without_sidecar_can_be_read(episode_folder: Path) -> None:
    (episode_folder / "mu0.json").unlink()
    sidecar = read_episode(episode_folder).sidecar
    assert (sidecar.licence, sidecar.pose_source, sidecar.retiming) == ("unknown", "none", None)


def test_without_rows_the_samples_folder_is_empty(tmp_path: Path, content: Any) -> None:
    folder = tmp_path / "still"
    write_episode(folder, replace(content.arrays, samples=None), replace(content.sidecar, retiming=None))
    assert list((folder / "samples").iterdir()) == []
    assert read_episode(folder).samples is None


def test_episodes_are_listed_sorted_and_unfinished_ones_are_not(tmp_path: Path, content: Any) -> None:
    for name in ("b/2", "a/1", "b/.half", ".cache/3"):
        write_episode(tmp_path / name, content.arrays, content.sidecar)
    assert list_episodes(tmp_path) == [tmp_path / "a/1", tmp_path / "b/2"]
    assert list_episodes(tmp_path / "absent") == []


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), OSError("1000 requested and 12 written")]
)
def test_a_full_disk_leaves_no_half_episode_and_keeps_the_old_one(
    episode_folder: Path, content: Any, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    before, save = sha256_of_tree(episode_folder), np.save

    def full_at_the_samples(path: Path, array: np.ndarray) -> None:
        save(path, array)
        if path.name == "traj.npy":
            raise error

    monkeypatch.setattr(np, "save", full_at_the_samples)
    with pytest.raises(EpisodeError, match=r"no space left while writing .*clip_000"):
        write_episode(episode_folder, content.arrays, content.sidecar)
    assert sha256_of_tree(episode_folder) == before
    with pytest.raises(EpisodeError):
        write_episode(episode_folder.parent / "new", content.arrays, content.sidecar)
    assert [path.name for path in episode_folder.parent.iterdir()] == ["clip_000"]


def test_other_troubles_of_the_disk_are_not_called_a_full_disk(
    tmp_path: Path, content: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(np, "save", broken)
    with pytest.raises(OSError, match="Input/output error"):
        write_episode(tmp_path / "new", content.arrays, content.sidecar)


def test_a_damaged_file_is_named(episode_folder: Path) -> None:
    path = episode_folder / "samples" / "traj.npy"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(EpisodeError, match=r"samples/traj.npy is damaged"):
        read_episode(episode_folder)
    path.unlink()
    with pytest.raises(EpisodeError, match=r"samples/traj.npy is missing"):
        read_episode(episode_folder)


def test_a_sidecar_of_an_unknown_version_is_refused(episode_folder: Path) -> None:
    path = episode_folder / "mu0.json"
    path.write_text(path.read_text().replace('"schema": 2', '"schema": 3'))
    with pytest.raises(EpisodeError, match=r"schema version 3\.\n  expected: version 1 or 2"):
        read_episode(episode_folder)


def test_a_sidecar_of_schema_1_is_read(episode_folder: Path) -> None:
    path = episode_folder / "mu0.json"
    content = json.loads(path.read_text()) | {"schema": 1}
    for name in ("mode", "absent", "licences", "intrinsics_source"):
        del content[name]
    path.write_text(json.dumps(content))
    sidecar = read_episode(episode_folder).sidecar
    assert (sidecar.mode, sidecar.absent, sidecar.schema) == ("traceextract", (), 2)


def test_the_instruction_becomes_the_official_texts(tmp_path: Path, content: Any) -> None:
    write_episode(tmp_path / "e", replace(content.arrays, description="", meta=None), content.sidecar)
    assert (tmp_path / "e" / "description.txt").read_bytes() == b"put the red cube into the bowl\n"
    assert json.loads((tmp_path / "e" / "meta.json").read_text()) == {
        "dataset": "ur3_sim",
        "episode_id": "clip_000",
        "language_instructions": ["put the red cube into the bowl"],
    }
    (tmp_path / "e" / "mu0.json").unlink()  # what an official reader has is enough to know them
    episode = read_episode(tmp_path / "e")
    assert (episode.sidecar.instruction, episode.sidecar.source) == (episode.description, "ur3_sim")


def test_our_own_columns_lie_beside_the_official_ones(tmp_path: Path, content: Any) -> None:
    extras = SampleExtras(np.array([4, 9, 9], np.int32), np.array([1, 0.5, 0.25], np.float16))
    write_episode(tmp_path / "e", replace(content.arrays, extras=extras), content.sidecar)
    assert sorted(path.name for path in (tmp_path / "e" / "samples").iterdir()) == sorted(
        f"{name}.npy" for name in OFFICIAL_ORDER
    )
    read = read_episode(tmp_path / "e").extras
    np.testing.assert_array_equal(read.track_ids, [4, 9, 9])
    np.testing.assert_array_equal(read.confidence, extras.confidence)
    assert validate_episode(tmp_path / "e") == []


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [("meta.json", "[1]", "damaged: a JSON list"), ("meta.json", "{", "damaged: Expecting property name")],
)
def test_damaged_texts_are_named(episode_folder: Path, name: str, text: str, words: str) -> None:
    (episode_folder / name).write_text(text)
    with pytest.raises(EpisodeError, match=words):
        assert read_episode(episode_folder).meta
