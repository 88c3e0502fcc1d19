"""Reading text that people and programs wrote, in whatever encoding, and telling where it was a guess.

    UTF-8, with or without a byte order mark         certain
    UTF-16 and UTF-32 with a byte order mark         certain
    UTF-16 without one, every other byte zero        certain enough; noted
    one byte per letter, read as Windows-1252        noted; only where what comes out is Western text
    anything else                                    not read: `text` is empty, the note says so

Letters are never replaced by signs: a wrong word in an instruction is worse than none. Bytes that are no
Western text (Shift-JIS, GBK, KOI8-R ...) cannot be told apart by looking, so they are not guessed at.
"""

import codecs
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mu0.file_content import stand_in

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WESTERN = "cp1252"
WESTERN_LETTERS = frozenset("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿ")
WESTERN_SIGNS = frozenset("’‘“”„–—…°€«»·£§¿¡\u00a0®©™")
WORD = re.compile(r"[^\W\d_]+")
MISPLACED = re.compile(  # signs where another encoding has letters: dashes inside, quotes around nothing
    r"[^\W\d_][–—…“”„‘°·£§¿¡®©€][^\W\d_]|(?<![^\W\d_])’(?![^\W\d_])|(?<!\S)”|[a-z][À-Þ][a-z]|œ(?!u)|Œ(?!u)"
)
MAX_FOREIGN_SHARE = 2 / 3  # of a word's letters that are not A to Z
MIN_PLAIN_SHARE = 0.5  # of all letters, which are A to Z in Western text
MIN_ZERO_SHARE = 0.8  # of every other byte, in UTF-16 of Western text


@dataclass(frozen=True)
class Text:
    """What a file says, and a note where its encoding was a guess or beyond one."""

    text: str
    note: str = ""


def read_text(path: Path) -> Text:
    """The text of a file, its lines ended alike; the note begins with the file's name.

    Raises:
        OSError: The file cannot be read.
    """
    name = path.name.encode(errors="backslashreplace").decode()  # which may be no text itself
    if pointer := stand_in(path):
        return Text("", f"{name} {pointer.what}; {pointer.remedy.rstrip('.')}")
    found = decode_text(path.read_bytes())
    return Text(found.text, f"{name} {found.note}" if found.note else "")


def decode_text(content: bytes) -> Text:
    """The text in some bytes; the note is the end of a sentence."""
    mark = next((encoding for mark, encoding in MARKS if content.startswith(mark)), "")
    for encoding in (mark or "utf-8", _wide(content)):
        if encoding and (text := _decoded(content, encoding)) is not None and "\0" not in text:
            return Text(text, f"was read as {encoding}" if encoding not in {mark, "utf-8"} else "")
    text = _decoded(content, WESTERN)
    if text is not None and not mark and _is_western(text):
        return Text(text, f"is not UTF-8 and was read as {WESTERN} (Western European)")
    return Text("", "was not read: it is neither UTF-8 nor UTF-16 nor Western text; save it as UTF-8")


def text_with_names(content: bytes) -> str:
    """A list of names of files: as `decode_text` where a mark tells, else UTF-8 that keeps every byte."""
    if any(content.startswith(mark) for mark, _ in MARKS) or _wide(content):
        return decode_text(content).text
    return content.decode("utf-8", errors="surrogateescape")


def typed_text(text: str) -> str:
    """Words of a command line; where its encoding was not the machine's they arrive as lone surrogates."""
    if any("\udc80" <= character <= "\udcff" for character in text):
        return decode_text(text.encode(errors="surrogateescape")).text
    return text


def load_json(path: Path) -> Any:
    """The content of a JSON file in any of these encodings.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not JSON, or its encoding is beyond guessing.
    """
    found = read_text(path)
    if found.note and not found.text:
        raise ValueError(found.note)
    return json.loads(found.text)


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        text = content.decode(encoding)
    except (UnicodeDecodeError, UnicodeError):
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _wide(content: bytes) -> str:
    """UTF-16 without a mark, by its zero bytes; empty where it is not."""
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        half = content[start::2]
        if len(content) >= 2 and not len(content) % 2 and half.count(0) >= MIN_ZERO_SHARE * len(half):
            return encoding
    return ""


def _is_western(text: str) -> bool:
    """Whether it looks like words: what other encodings make of this one mostly does not."""
    letters = [character for character in text if character.isalpha()]
    plain = sum(letter.isascii() for letter in letters)
    others = {c for c in text if not c.isascii()} - WESTERN_SIGNS - WESTERN_LETTERS - {"œ", "Œ"}
    are_clean = all(character.isprintable() or character in "\n\t\f\u00a0" for character in text)
    quotes = sum(text.count(quote) for quote in "“”„")
    if others or not are_clean or MISPLACED.search(text) or quotes % 2:
        return False
    words = [word for word in WORD.findall(text) if len(word) > 1]
    foreign = [sum(not letter.isascii() for letter in word) / len(word) for word in words]
    return 0 < plain >= MIN_PLAIN_SHARE * len(letters) and all(s <= MAX_FOREIGN_SHARE for s in foreign)
