"""Covers, names, tags and times that containers bring along: the recording is read, or the reason told."""

from pathlib import Path

import av
import odd_videos as odd
import pytest

from mu0.errors import SourceError
from mu0.sources.containers.video import scan_video

ALL = list(range(20))


@pytest.mark.parametrize("ending", ["mp4", "mkv", "avi", "mov"])
def test_a_cover_is_not_taken_for_the_recording(tmp_path: Path, ending: str) -> None:
    path = odd.write(tmp_path / f"drone.{ending}", cover=True, bf="0")
    assert odd.numbers_in(path) == ALL
    assert "2 video streams" in scan_video(path).note()


@pytest.mark.parametrize("name", ["2026-11-29T10:30:05.mp4", "data:a.mp4", "concat:b|c.mp4", "file:x.mkv"])
def test_no_name_is_read_as_a_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    odd.write(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert odd.numbers_in(Path(name)) == ALL


@pytest.mark.parametrize("title", [b"Cam\xe9ra \xfc", b"\x83J\x83\x81\x83\x89\xff"])
def test_tags_in_any_encoding_do_not_matter(tmp_path: Path, title: bytes) -> None:
    path = odd.write(tmp_path / "cam.avi", codec="mpeg4", tags={"title": "X" * len(title)})
    path.write_bytes(path.read_bytes().replace(b"X" * len(title), title))
    assert odd.numbers_in(path) == ALL


def test_avi_with_b_frames_shows_every_frame_once_and_in_order(tmp_path: Path) -> None:
    path = odd.write(tmp_path / "a.avi", bf="3", g="12")
    assert odd.numbers_in(path) == ALL
    assert odd.numbers_in(path, 5.0) == ALL[::2]
    assert "even rate of 10 Hz" in scan_video(path).note()
    assert not scan_video(odd.write(tmp_path / "a.mp4", bf="3", g="12")).note()


def decoding_order(packets: list[av.Packet]) -> None:
    for number, packet in enumerate(packets):
        packet.pts = packet.dts = number


def standing_clock(packets: list[av.Packet]) -> None:
    for packet in packets:
        packet.pts = packet.dts = 0


@pytest.mark.parametrize("retime", [decoding_order, standing_clock])
def test_times_that_do_not_increase_are_left_aside(tmp_path: Path, retime: object) -> None:
    path = odd.write(tmp_path / "a.mkv", bf="3", g="12", retime=retime)  # type: ignore[arg-type]
    assert odd.numbers_in(path) == ALL
    assert "do not go forward" in scan_video(path).note()


def test_a_variable_rate_stays_one(tmp_path: Path) -> None:
    ticks = [0, 1, 2, 6, 7, 8]
    path = odd.write(tmp_path / "a.mkv", 6, ticks=ticks, bf="2")
    assert odd.numbers_in(path, 10.0) == [0, 1, 2, 2, 3, 3, 3, 4, 5]
    assert not scan_video(path).note()


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 123456\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (LFS, "Git LFS pointer of a file of 123456 bytes"),
        (b"/annex/objects/SHA256E-s9--00.mp4\n", "git-annex"),
        (b"<!DOCTYPE html><title>Sign in</title>", "web page"),
        (b'<?xml version="1.0"?><Error>AccessDenied</Error>', "XML"),
        (bytes(5000), "5000 zero bytes"),
        (b"PK\x03\x04" + b"a" * 50, "zip"),
        (b"\xff\xd8\xff\xe0" + b"a" * 50, "JPEG picture"),
        (b"some words", "not a video that FFmpeg can read"),
    ],
)
def test_what_stands_in_for_a_video_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(SourceError, match=words):
        scan_video(tmp_path / "a.mp4")


def test_an_mp4_is_said_to_lack_its_index_only_where_it_does(tmp_path: Path) -> None:
    whole = odd.write(tmp_path / "a.mp4").read_bytes()
    (tmp_path / "b.mp4").write_bytes(whole[: whole.index(b"moov") - 4])
    with pytest.raises(SourceError, match="no readable index"):
        scan_video(tmp_path / "b.mp4")
    broken = whole.replace(b"stsd", b"xxxx").replace(b"mdhd", b"xxxx").replace(b"trak", b"xxxx")
    (tmp_path / "c.mp4").write_bytes(broken)
    with pytest.raises(SourceError) as error:
        scan_video(tmp_path / "c.mp4")
    assert "moov" not in str(error.value)


def test_what_is_no_file_is_told_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "link.mp4").symlink_to("../away.mp4")
    (tmp_path / "ring.mp4").symlink_to("ring.mp4")
    (tmp_path / "folder.mp4").mkdir()
    for name, words in (("link", "away.mp4, where nothing is"), ("ring", "ring"), ("folder", "is a folder")):
        with pytest.raises(SourceError, match=words):
            scan_video(tmp_path / f"{name}.mp4")
