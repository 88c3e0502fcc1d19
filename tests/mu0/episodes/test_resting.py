"""Places beside the official rows: written, read, validated, carried through every layout."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mu0.episodes.layouts.convert import convert_episode
from mu0.episodes.layouts.table import episode_table
from mu0.episodes.read import read_episode
from mu0.episodes.resting import (
    PLACE_NAMES,
    PlaceRows,
    RestingRows,
    UntrustedRows,
    joined_places,
    places_of_anchors,
)
from mu0.episodes.validate import validate_episode
from mu0.episodes.write import EXTRAS_FOLDER, write_episode
from mu0.errors import EpisodeError


def rows_of(kind: type[PlaceRows] = RestingRows) -> Any:
    """Anchor 0 owns two places, anchor 2 one; anchor 1 owns none."""
    columns = (
        np.array([[1.5, 2, 0.75], [9, 7, 1.25], [3, 3, 2]]),
        np.array([4, -1, 4]),
        np.array([7, 8, 7]),
        np.array([1, 0.5, 0.875]),
    )
    return places_of_anchors(kind, [0, 1, 2], [2, 0, 1], columns)


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def assert_same(read: PlaceRows | None, expected: PlaceRows) -> None:
    assert read is not None
    for name in PLACE_NAMES:
        got, wanted = getattr(read, name), getattr(expected, name)
        assert got.dtype == wanted.dtype
        np.testing.assert_array_equal(got, wanted)
    assert read.schema_version == 1


@pytest.fixture
def folder(tmp_path: Path, content: Any) -> Path:
    arrays = replace(content.arrays, resting=rows_of(), untrusted=rows_of(UntrustedRows))
    write_episode(tmp_path / "e", arrays, content.sidecar)
    return tmp_path / "e"


def test_what_was_written_is_read_and_sound(folder: Path) -> None:
    episode = read_episode(folder)
    assert_same(episode.resting, rows_of())
    assert_same(episode.untrusted, rows_of(UntrustedRows))
    assert validate_episode(folder) == []
    assert bool(episode_table(folder)["has_resting"][0])


def test_the_official_files_do_not_notice(tmp_path: Path, folder: Path, content: Any) -> None:
    write_episode(tmp_path / "plain", content.arrays, content.sidecar)
    plain = read_episode(tmp_path / "plain")
    assert plain.resting is None
    assert plain.untrusted is None
    with_places, without = tree(folder), tree(tmp_path / "plain")
    assert {name: data for name, data in with_places.items() if not name.startswith(EXTRAS_FOLDER)} == without


def test_rows_of_a_frame_are_found_by_its_number() -> None:
    rows = rows_of()
    assert [rows.rows(frame) for frame in (0, 2)] == [slice(0, 2), slice(2, 3)]
    assert [rows.rows(frame) for frame in (1, 5)] == [slice(0, 0)] * 2
    np.testing.assert_array_equal(rows.frame_indices, [0, 2])


def test_parts_join_in_their_order_and_empty_ones_do_not_count() -> None:
    later = replace(rows_of(), frame_indices=np.array([4, 6], np.int32))
    joined = joined_places([rows_of(), rows_of(UntrustedRows), later], RestingRows)
    assert joined is not None
    np.testing.assert_array_equal(joined.frame_indices, [0, 2, 4, 6])
    np.testing.assert_array_equal(joined.offsets, [0, 2, 3, 5, 6])
    np.testing.assert_array_equal(joined.places[3:], rows_of().places)
    assert joined_places([], RestingRows) is None


@pytest.mark.parametrize("layout", ["legacy", "traceforge"])
def test_they_come_back_from_every_layout(tmp_path: Path, folder: Path, layout: Any) -> None:
    convert_episode(folder, "official", tmp_path / "there", layout)
    convert_episode(tmp_path / "there", layout, tmp_path / "back", "official")
    assert_same(read_episode(tmp_path / "back").resting, rows_of())
    assert bool(episode_table(tmp_path / "there")["has_resting"][0])
    own = f"{EXTRAS_FOLDER}/resting/"
    assert {n: d for n, d in tree(tmp_path / "back").items() if n.startswith(own)} == {
        n: d for n, d in tree(folder).items() if n.startswith(own)
    }


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("places", np.array([[1.5, 2, 0.75], [99, 7, 1], [3, 3, 2]], np.float32), "inside 10 x 8"),
        ("places", np.array([[1.5, np.nan, 0.75], [9, 7, 1], [3, 3, 2]], np.float32), "finite"),
        ("places", np.array([[1.5, 2, 0], [9, 7, 1], [3, 3, 2]], np.float32), "in front"),
        ("places", np.zeros((3, 2), np.float32), "(3, 3)"),
        ("offsets", np.array([0, 2, 4]), "from 0 to 3"),
        ("frame_indices", np.array([2, 0], np.int32), "ascending"),
        ("frame_indices", np.array([0, 6], np.int32), "0 to 5"),
        ("cluster_ids", np.array([4, -2, 4], np.int32), "entity number"),
        ("track_ids", np.array([7, 7, 7], np.int32), "once per anchor"),
        ("track_ids", np.array([7, -8, 7], np.int32), "from 0"),
        ("confidence", np.array([1, 2, 0], np.float16), "0 to 1"),
        ("confidence", np.array([1, 1, 0], np.float32), "float16"),
    ],
)
def test_every_broken_rule_is_named(folder: Path, name: str, values: np.ndarray, words: str) -> None:
    np.save(folder / EXTRAS_FOLDER / "resting" / f"{name}.npy", values)
    faults = validate_episode(folder)
    assert [fault.file for fault in faults] == [f"{EXTRAS_FOLDER}/resting/{name}.npy"] * len(faults)
    assert any(words in fault.expected for fault in faults)


@pytest.mark.parametrize("name", [*PLACE_NAMES, "schema_version"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / EXTRAS_FOLDER / "resting" / f"{name}.npy").unlink()
    with pytest.raises(EpisodeError, match="missing"):
        read_episode(folder)
    assert any("missing" in fault.found for fault in validate_episode(folder))


def test_another_schema_version_is_refused_with_the_remedy(folder: Path) -> None:
    np.save(folder / EXTRAS_FOLDER / "resting" / "schema_version.npy", np.int32(2))
    with pytest.raises(EpisodeError, match="schema version 2") as caught:
        read_episode(folder)
    assert "delete this folder" in caught.value.remedy
