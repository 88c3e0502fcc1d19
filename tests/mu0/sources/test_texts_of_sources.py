"""Words of all kinds of sources in other encodings than UTF-8: read and noted, or left out and noted."""

import json
from pathlib import Path

import numpy as np
import pytest

from mu0.inference.questions import questions_in
from mu0.sources.calibration import read_calibration
from mu0.sources.containers.encoding import write_video
from mu0.sources.droid.reader import instructions
from mu0.sources.lerobot.layout import _json_lines
from mu0.sources.own_files.camera_files import read_camera_file
from mu0.sources.own_files.pose_files import find_pose_files, read_poses
from mu0.sources.own_files.reader import find_items, write_item

FRAMES = np.zeros((3, 16, 16, 3), np.uint8)
ENCODINGS = {
    "bom": ("pour the tea", "utf-8-sig", "pour the tea", ""),
    "utf16": ("pour the tea", "utf-16", "pour the tea", ""),
    "latin1": ("öffne die Tür", "latin-1", "öffne die Tür", "latin1.txt is not UTF-8"),
    "gbk": ("倒茶", "gbk", "", "gbk.txt was not read"),
}


def test_instructions_beside_videos(tmp_path: Path) -> None:
    for name, (text, encoding, _, _) in ENCODINGS.items():
        write_video(tmp_path / f"{name}.mp4", FRAMES, 10.0)
        (tmp_path / f"{name}.txt").write_bytes(f"{text}\n".encode(encoding))
    for item in find_items(tmp_path):
        clip = write_item(item, tmp_path / "clips" / item.clip_id, "s", 10.0)
        _, _, wanted, note = ENCODINGS[item.clip_id]
        assert clip.info.instruction == wanted
        assert clip.info.note.startswith(note)
        assert bool(clip.info.note) == bool(note)


def test_instructions_of_droid() -> None:
    values = ["öffne".encode("latin-1"), "倒茶".encode("gbk"), b"\xef\xbb\xbfopen it"]
    keys = ["steps/language_instruction", "steps/language_instruction_2", "steps/language_instruction_3"]
    assert instructions({key: [value] for key, value in zip(keys, values, strict=True)}) == [
        "öffne",
        "open it",
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_cameras_poses_tables_and_lines(tmp_path: Path, encoding: str) -> None:
    camera = {"fx": 90, "fy": 90, "cx": 7.5, "cy": 7.5, "place": "Küche"}
    (tmp_path / "camera.json").write_bytes(json.dumps(camera, ensure_ascii=False).encode(encoding))
    assert read_camera_file(tmp_path).intrinsics is not None
    assert read_calibration(tmp_path / "camera.json").intrinsics is not None
    (tmp_path / "groundtruth.txt").write_bytes("# Küche\n0.0 0 0 1 0 0 0 1\n".encode(encoding))
    files = find_pose_files(tmp_path, tmp_path)
    poses, _ = read_poses(files, (tmp_path / "0.png",), np.zeros(1))
    assert poses is not None
    assert poses[0, 2, 3] == -1
    (tmp_path / "table.csv").write_bytes("image,text\r\na.png,öffne\r\n".encode(encoding))
    assert [question.text for question in questions_in(tmp_path / "table.csv", "")] == ["öffne"]
    (tmp_path / "a.jsonl").write_bytes('{"task": "öffne"}\n{"task": "zu"}\n'.encode(encoding))
    assert list(_json_lines(tmp_path / "a.jsonl")) == [{"task": "öffne"}, {"task": "zu"}]
