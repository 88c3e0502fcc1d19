"""Text in any encoding is read as it was meant, or not at all: never with signs in place of letters."""

import json
from pathlib import Path

import pytest

from mu0.text_files import decode_text, load_json, read_text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("text", ["pour the tea\nslowly\n", "öffne die Tür"])
def test_unicode_comes_back_equal(text: str, encoding: str) -> None:
    found = decode_text(text.encode(encoding))
    assert found.text == text
    assert bool(found.note) == (encoding in {"utf-16-le", "utf-16-be"})


@pytest.mark.parametrize(
    "text",
    [
        "öffne die Tür",
        "ouvre le tiroir à café, été",
        "Don’t spill",
        "nimm den „roten“ Würfel – jetzt",
        "¿qué es, señor?",
    ],
)
def test_western_text_is_read_and_noted(text: str) -> None:
    found = decode_text(text.encode("cp1252"))
    assert found.text == text
    assert "Western" in found.note


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("お茶を注ぐ", "shift-jis"),
        ("pick up カップ", "shift-jis"),
        ("pick up 杯子", "gbk"),
        ("take the 茶", "big5"),
        ("차를 따르다", "euc-kr"),
        ("налей чай", "cp1251"),
        ("pick up кружка", "cp1251"),
        ("налей чай", "koi8-r"),
        ("podnieś żółty kubek", "cp1250"),
        ("öffne die Tür", "cp850"),
        ("öffne die Tür", "mac-roman"),
    ],
)
def test_what_cannot_be_told_is_left_out_and_said(text: str, encoding: str) -> None:
    found = decode_text(text.encode(encoding))
    assert not found.text
    assert "save it as UTF-8" in found.note


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"a\x00b", bytes(range(256)), b"\xef\xbb\xbf"])
def test_no_bytes_give_replacement_signs_or_an_exception(content: bytes) -> None:
    assert not {"\ufffd", "\ufeff", "\0"} & set(decode_text(content).text)


def test_all_ends_of_lines_are_one(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"a\r\nb\rc\n")
    assert read_text(tmp_path / "a.txt").text == "a\nb\nc\n"


def test_a_pointer_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("version https://git-lfs.github.com/spec/v1\nsize 9\n")
    found = read_text(tmp_path / "a.txt")
    assert not found.text
    assert "Git LFS pointer" in found.note


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_json_of_other_systems_is_read(tmp_path: Path, encoding: str) -> None:
    content = {"fx": 90.0, "name": "Kamera Küche"}
    (tmp_path / "a.json").write_bytes(json.dumps(content, ensure_ascii=False).encode(encoding))
    assert load_json(tmp_path / "a.json") == content


def test_json_beyond_guessing_is_a_value_error(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes('{"name": "杯子"}'.encode("gbk"))
    with pytest.raises(ValueError, match="save it as UTF-8"):
        load_json(tmp_path / "a.json")
