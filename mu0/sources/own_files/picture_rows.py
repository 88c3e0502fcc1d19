"""Which pictures of a folder are one row of frames: told by their kinds and by the names that they share.

A folder may hold more than the frames: depth images or masks between them (`frame-0001.color.png`,
`frame-0001.depth.png`, `0001_mask.png`), or two cameras. Pictures whose names differ in numbers only form a
group, and the header of each tells its kind:

    colour   8 or 16 bits in three channels          the frames
    grey     8 bits in one channel, or a palette     the frames if nothing is in colour, else masks
    deep     16 bits or more in one channel, .npy    depth

What cannot be told apart is refused. A row of frames with something else in between would become a film.
"""

import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image, UnidentifiedImageError

from mu0.errors import SourceError
from mu0.files import NUMBER, in_natural_order
from mu0.sources.own_files.beside import told

Kind = Literal["colour", "grey", "deep", "unreadable"]
Number = tuple[int, str]
KIND_OF_MODE: dict[str, Kind] = {"L": "grey", "LA": "grey", "1": "grey", "P": "grey", "F": "deep"}
WORDS_OF_KIND = {
    "colour": "a colour picture", "grey": "a picture of one channel of 8 bits",
    "deep": "a picture of one channel of 16 bits or more", "unreadable": "no readable picture",
}  # fmt: skip
COLOUR_WORDS = frozenset({"color", "colour", "rgb", "image", "img", "frame"})
OTHER_WORDS = frozenset(
    {"depth", "disparity", "mask", "masks", "seg", "segmentation", "semantic", "instance", "label", "labels",
     "normal", "normals", "ir", "infrared", "confidence", "conf", "flow", "alpha", "thermal", "objectness"}
)  # fmt: skip


@dataclass(frozen=True)
class PictureRow:
    """The frames of a folder in order, depth images that lie between them, and what is neither."""

    frames: tuple[Path, ...]
    depth: tuple[Path, ...] = ()
    others: tuple[Path, ...] = ()

    def note(self, *used: Path | None) -> str:
        """What to tell about the others that were not used: patterns of names, how many files bear them."""
        left = [path for path in self.others if path not in used]
        counts = Counter(NUMBER.sub("#", path.stem) + path.suffix for path in left)
        return told([f"{pattern} ({n} files)" if n > 1 else pattern for pattern, n in sorted(counts.items())])


def kind_of(path: Path) -> Kind:
    """What the header of a picture says; an .npy file is depth."""
    if path.suffix.lower() == ".npy":
        return "deep"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about large pictures, of which only the header is read here
            with Image.open(path) as header:
                mode = header.mode
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return "unreadable"
    return KIND_OF_MODE.get(mode, "deep" if mode.startswith("I") else "colour")


def words_of(name: str) -> frozenset[str]:
    """The words of a file's name, without digits: `frame-0001.depth` -> frame, depth."""
    return frozenset(re.findall(r"[a-z]+", name.casefold()))


def row_in(folder: Path, paths: Iterable[Path]) -> PictureRow:
    """Which of the pictures are the frames, and which are their depth.

    Raises:
        SourceError: There are two rows of frames, or pictures of two kinds under names that do not differ.
    """
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        groups[NUMBER.sub("#", path.stem) + path.suffix.casefold()].append(path)
    groups = dict(sorted(_as_one(groups).items()))
    kinds = {pattern: kind_of_row(found) for pattern, found in groups.items()}
    frames = _frame_groups([pattern for pattern in groups if kinds[pattern] != "deep"], groups, kinds)
    n_frames = sum(len(groups[pattern]) for pattern in frames)
    deep = [pattern for pattern in groups if kinds[pattern] == "deep" and _is_row(groups[pattern], n_frames)]
    _refuse_two_rows(folder, frames, groups)
    depth = _only_depth(folder, deep, groups)
    chosen = in_natural_order(path for pattern in frames for path in groups[pattern])
    known = {*chosen, *depth}
    others = (path for found in groups.values() for path in found if path not in known)
    return PictureRow(tuple(chosen), depth, tuple(others))


def _is_row(deep: list[Path], n_frames: int) -> bool:
    """Whether these may be depth images; arrays (a camera, features) only as many as the frames about."""
    is_named = "depth" in words_of(deep[0].stem)
    return len(deep) > 1 and (deep[0].suffix.lower() != ".npy" or is_named or 2 * len(deep) >= n_frames)


def numbers_of(paths: Sequence[Path]) -> list[Number | None]:
    """The number by which each picture of a row counts: the last one in the name that differs everywhere.

    None for all where no place does.
    """
    found = [NUMBER.findall(path.stem) for path in paths]
    for place in range(1, 1 + min(map(len, found), default=0)):
        column = [_value(numbers[-place]) for numbers in found]
        if len(set(column)) == len(column):
            return list(column)
    return [None] * len(paths)


def _value(number: str) -> Number:
    whole, _, decimals = number.partition(".")
    return int(whole), decimals.rstrip("0")


def _as_one(groups: dict[str, list[Path]]) -> dict[str, list[Path]]:
    """Names without a number, and single ones, are one group each by kind: `a.jpg b.jpg c.jpg` is a row."""
    single = {pattern for pattern, found in groups.items() if len(found) == 1}
    joined: dict[str, list[Path]] = {p: found for p, found in groups.items() if p not in single}
    for pattern in single:
        (path,) = groups[pattern]
        if kind_of(path) == "deep":
            joined[pattern] = [path]
            continue
        others = words_of(path.stem) & OTHER_WORDS
        name = f"*{'_'.join(sorted(others))}{path.suffix.casefold()}" if others else f"* ({kind_of(path)})"
        joined.setdefault(name, []).append(path)
    return joined


def kind_of_row(paths: Iterable[Path]) -> Kind:
    """The kind that all readable pictures of a row have.

    Raises:
        SourceError: They are of two kinds.
    """
    kinds = {path: kind_of(path) for path in in_natural_order(paths)}
    readable = {kind for kind in kinds.values() if kind != "unreadable"}
    if len(readable) > 1:
        usual = next(iter(kinds.values()))
        odd = next(path for path, kind in kinds.items() if kind not in {usual, "unreadable"})
        raise SourceError(
            f"{odd} is {WORDS_OF_KIND[kinds[odd]]}, but {next(iter(kinds)).name} is {WORDS_OF_KIND[usual]}.",
            expected="pictures of one kind in a row of frames",
            remedy="move depth images and masks into folders of their own, such as depth/ beside color/.",
        )
    return next(iter(readable), "colour")  # what cannot be read is told when it is decoded


def _frame_groups(flat: list[str], groups: dict[str, list[Path]], kinds: dict[str, Kind]) -> list[str]:
    """The groups that are frames: without words of something else, in colour if any is."""
    plain = [pattern for pattern in flat if not words_of(pattern) & OTHER_WORDS] or (
        flat if len(flat) == 1 else []
    )
    coloured = [pattern for pattern in plain if kinds[pattern] == "colour"] or plain
    named = [pattern for pattern in coloured if words_of(pattern) & COLOUR_WORDS]
    if len(named) == 1 and len(groups[named[0]]) > 1 and _share_numbers(coloured, groups):
        return named
    return coloured


def _share_numbers(patterns: list[str], groups: dict[str, list[Path]]) -> bool:
    """Whether any two groups count through the same numbers."""
    sets = [{n for n in numbers_of(groups[p]) if n is not None} for p in patterns if len(groups[p]) > 1]
    return any(
        2 * len(a & b) > min(len(a), len(b)) for i, a in enumerate(sets) for b in sets[:i] if len(a & b) > 1
    )


def _refuse_two_rows(folder: Path, frames: list[str], groups: dict[str, list[Path]]) -> None:
    rows = {pattern: groups[pattern] for pattern in frames}
    if len(frames) == 1:
        rows = _by_first_number(rows[frames[0]]) or rows
    if len(rows) > 1 and _share_numbers(list(rows), rows):
        found = ", ".join(f"{pattern} ({len(paths)} pictures)" for pattern, paths in sorted(rows.items()))
        raise SourceError(
            f"{folder} holds more than one row of pictures: {found}.",
            expected="the frames of one camera in a folder",
            remedy="move each row into a folder of its own; depth belongs into depth/ beside color/.",
        )


def _by_first_number(paths: list[Path]) -> dict[str, list[Path]] | None:
    """Rows `cam0_#`, `cam1_#` ... if names hold two numbers, of which neither alone tells pictures apart."""
    numbers = [NUMBER.findall(path.stem) for path in paths]
    if any(len(found) != 2 for found in numbers) or numbers_of(paths)[0] is not None:
        return None
    rows: dict[str, list[Path]] = defaultdict(list)
    for path, (first, _) in zip(paths, numbers, strict=True):
        rows[path.stem[: path.stem.index(first)] + f"{first}…#{path.suffix}"].append(path)
    counts = [{_value(NUMBER.findall(path.stem)[1]) for path in row} for row in rows.values()]
    return dict(rows) if all(count == counts[0] for count in counts) else None


def _only_depth(folder: Path, deep: list[str], groups: dict[str, list[Path]]) -> tuple[Path, ...]:
    named = [pattern for pattern in deep if "depth" in words_of(pattern)]
    chosen = named if len(named) == 1 else deep
    if len(chosen) > 1:
        found = ", ".join(f"{pattern} ({len(groups[pattern])})" for pattern in chosen)
        raise SourceError(
            f"{folder} holds more than one row of depth images: {found}.",
            expected="one depth image per frame, as .png or as .npy",
            remedy="keep one of them.",
        )
    return tuple(in_natural_order(groups[chosen[0]])) if chosen else ()
