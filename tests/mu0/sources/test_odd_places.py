"""Links, names and places that no reader expects: each costs its own row, with the true reason."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mu0.errors import SourceError
from mu0.files import MAX_NAME_BYTES, atomic_file, atomic_folder, short_name
from mu0.params.raw_videos import FilesSource, RawVideosParams
from mu0.sources.collect import collect_clips
from mu0.sources.containers.encoding import write_video
from mu0.sources.item import SourceItem, safe_name
from mu0.sources.own_files.reader import FilesReader, find_items

FRAMES = np.zeros((3, 16, 16, 3), np.uint8)


def collect(root: Path, **folders: Path) -> pd.DataFrame:
    sources = {name: FilesSource(kind="files", folder=str(folder)) for name, folder in folders.items()}
    params = RawVideosParams(sources=sources, workers=1)
    index = collect_clips(params, root / "clips", root / "tracks", root / "cache")
    return index.set_index("clip_id")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    videos = tmp_path / "videos"
    videos.mkdir()
    write_video(videos / "good.mp4", FRAMES, 10.0)
    return videos


def test_links_and_pipes_cost_their_own_rows(folder: Path, tmp_path: Path) -> None:
    (folder / "away.mp4").symlink_to("../not_mounted/take.mp4")
    (folder / "away_folder").symlink_to("../not_mounted")
    (folder / "ring.mp4").symlink_to("ring.mp4")
    (folder / "up").symlink_to(".")
    (folder / "deep").mkdir()
    (folder / "deep/back").symlink_to("..")
    os.mkfifo(folder / "pipe.mp4")
    index = collect(tmp_path, mine=folder)
    assert index.status["good"] == "ok"
    assert list(index.index[index.status == "ok"]) == ["good"]
    words = {
        "away": "../not_mounted/take.mp4, where nothing is",
        "away_folder": "../not_mounted, where nothing is",
        "ring": "ring",
        "up": "a folder above it",
        "deep__back": "a folder above it",
        "pipe": "is a pipe",
    }
    for clip_id, told in words.items():
        assert told in index.reason[clip_id], clip_id
    assert len(index) == 1 + len(words)


def test_long_names_become_clips_under_short_ids(folder: Path, tmp_path: Path) -> None:
    video = (folder / "good.mp4").read_bytes()
    (folder / f"{'a person pours tea ' * 12}.mp4").write_bytes(video)
    (folder / f"{'a person pours tea ' * 12}2.mp4").write_bytes(video)
    deep = folder / ("day one " * 12) / ("counter " * 12)
    deep.mkdir(parents=True)
    (deep / f"{'é' * 120}.mp4").write_bytes(video)
    index = collect(tmp_path, mine=folder)
    assert (index.status == "ok").all()
    assert index.index.is_unique
    assert len(index) == 4
    assert max(len(name.encode()) for name in index.index) <= MAX_NAME_BYTES


def test_names_that_are_no_text_are_told(folder: Path, tmp_path: Path) -> None:
    video = (folder / "good.mp4").read_bytes()
    name = os.fsdecode(b"caf\xe9.mp4")
    (folder / name).write_bytes(video)
    (folder / os.fsdecode(b"bad\xe9.mp4")).write_bytes(b"nothing")
    (folder / os.fsdecode(b"caf\xe9.txt")).write_bytes("öffne".encode("latin-1"))
    index = collect(tmp_path, mine=folder)
    assert index.status["caf"] == "ok"
    assert index.instruction["caf"] == "öffne"
    assert r"bad\udce9.mp4" in index.reason["bad"]


def test_a_folder_that_may_not_be_entered_is_a_row(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "locked").mkdir()
    listed = Path.iterdir

    def refusing(self: Path) -> Iterator[Path]:
        if self.name == "locked":
            raise PermissionError(13, "Permission denied", str(self))
        return listed(self)

    monkeypatch.setattr(Path, "iterdir", refusing)
    index = collect(tmp_path, mine=folder)
    assert index.status["good"] == "ok"
    assert "locked: Permission denied" in index.reason["locked"]


def test_a_source_that_cannot_be_listed_stops_no_other(folder: Path, tmp_path: Path) -> None:
    index = collect(tmp_path, lost=tmp_path / "nowhere", mine=folder)
    assert index.status["good"] == "ok"
    assert "does not exist" in index.reason["lost_not_listed"]
    with pytest.raises(SourceError, match="does not exist"):
        collect(tmp_path / "alone", lost=tmp_path / "nowhere")


@pytest.mark.parametrize("error", [TypeError("odd"), ZeroDivisionError(), OSError(5, "I/O error", "a.bin")])
def test_any_exception_that_data_cause_costs_one_row(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def raising(*_: object) -> None:
        raise error

    def items(self: FilesReader) -> Iterator[SourceItem]:
        yield from whole(self)
        yield SourceItem("odd", fingerprint=lambda: "", write=raising)  # type: ignore[arg-type]
        raise error

    whole = FilesReader.items
    monkeypatch.setattr(FilesReader, "items", items)
    index = collect(tmp_path, mine=folder)
    assert list(index.status) == ["ok", "failed", "failed"]
    words = "a.bin: I/O error" if isinstance(error, OSError) else type(error).__name__
    assert words in index.reason["odd"]
    assert words in index.reason["mine_not_listed"]


def test_a_full_disk_is_no_entrys_fault(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FilesReader, "_write", full)
    with pytest.raises(OSError, match="No space"):
        collect(tmp_path, mine=folder)


def test_a_folder_that_is_none_is_told_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "link").symlink_to("away")
    for name, words in (("file", "is a file, and no folder"), ("link", "away, where nothing is")):
        with pytest.raises(SourceError, match=words):
            find_items(tmp_path / name)


def test_folders_deeper_than_is_looked_are_told(tmp_path: Path) -> None:
    (tmp_path / "a/b/c/d").mkdir(parents=True)
    write_video(tmp_path / "a/b/c/d/x.mp4", FRAMES, 10.0)
    (item,) = find_items(tmp_path)
    assert item.fault is not None
    assert "deeper than 3 levels" in item.fault.found


def test_short_names_stay_and_long_ones_keep_apart() -> None:
    assert short_name("a.png") == "a.png"
    long = [short_name("x" * 300 + end) for end in ("1.png", "2.png", ".tar.gz", "")]
    assert len(set(long)) == len(long)
    assert all(len(name) <= MAX_NAME_BYTES for name in long)
    assert long[0].endswith(".png")
    assert len(short_name("é" * 200).encode()) <= MAX_NAME_BYTES
    assert safe_name("a b", "..c") == "a_b__c"


def test_files_of_long_names_are_written_in_one_step(tmp_path: Path) -> None:
    with atomic_file(tmp_path / ("n" * 251 + ".txt")) as temporary:
        temporary.write_text("a")
    with atomic_folder(tmp_path / ("f" * 255)) as new:
        (new / "a").write_text("a")
    assert sorted(len(path.name) for path in tmp_path.iterdir()) == [255, 255]
