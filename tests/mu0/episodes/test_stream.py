"""Streams: the bytes of np.save, and images that look like the array they come from."""

import io
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from mu0.episodes.stream import FrameStore, MappedImages, NpyWriter
from mu0.errors import EpisodeError

IMAGES = np.random.default_rng(0).random((7, 4, 5)).astype(np.float32)


@pytest.fixture
def store(tmp_path: Path) -> FrameStore:
    with NpyWriter(tmp_path / "images.npy", (4, 5), np.float32) as writer:
        writer.append(IMAGES[:3])
        writer.append(IMAGES[3:])
    return FrameStore(tmp_path / "images.npy")


@pytest.mark.parametrize("array", [IMAGES, np.arange(3, dtype=np.int64), np.zeros((0, 2), bool)])
def test_the_bytes_are_those_of_numpy(array: np.ndarray, tmp_path: Path) -> None:
    with NpyWriter(tmp_path / "a.npy", array.shape[1:], array.dtype) as writer:
        for row in array:
            writer.append(row[None])
    expected = io.BytesIO()
    np.save(expected, array)
    assert (tmp_path / "a.npy").read_bytes() == expected.getvalue()


@pytest.mark.parametrize(
    "index",
    [
        0, -1, np.int64(2), slice(None), slice(2, 5), slice(None, None, 3), slice(5, 2), [6, 0],
        np.array([1, 1]), (3, slice(None, None, 2)), (slice(None, None, 2), slice(1, 3), 2), (2, 1, 4),
        (slice(4, 4), slice(1, 3)),
    ],
)  # fmt: skip
def test_indexing_is_that_of_the_array(store: FrameStore, index: object) -> None:
    np.testing.assert_array_equal(store[index], IMAGES[index])  # type: ignore[index]


def test_it_looks_like_the_array(store: FrameStore) -> None:
    assert (len(store), store.shape, store.dtype, store.ndim, store.size) == (
        7,
        (7, 4, 5),
        np.float32,
        3,
        140,
    )
    np.testing.assert_array_equal(np.stack(list(store)), IMAGES)
    with pytest.raises(IndexError, match="frame 7 of 7"):
        store[7]


def test_images_belong_to_the_reader_and_may_be_changed(store: FrameStore) -> None:
    store[0][:] = 5
    np.testing.assert_array_equal(store[0], IMAGES[0])


def test_mapped_images_are_computed_once_while_they_are_remembered(store: FrameStore) -> None:
    asked = []

    def double(image: np.ndarray) -> np.ndarray:
        asked.append(len(asked))
        return (2 * image[:2]).astype(np.float64)

    mapped = MappedImages(store, double)
    asked.clear()
    np.testing.assert_array_equal(mapped[[1, 2, 1, 2]], 2 * IMAGES[[1, 2, 1, 2], :2].astype(np.float64))
    assert mapped.shape == (7, 2, 5)
    assert len(asked) == 2


def test_a_file_that_was_cut_off_is_named(store: FrameStore) -> None:
    store.path.write_bytes(store.path.read_bytes()[:-1])
    with pytest.raises(
        EpisodeError, match=r"images.npy is damaged: 687 bytes do not hold \(7, 4, 5\) values"
    ):
        FrameStore(store.path)
    store.path.write_bytes(b"no")
    with pytest.raises(EpisodeError, match="is damaged"):
        FrameStore(store.path)


def test_a_writer_that_failed_promises_no_rows(tmp_path: Path) -> None:
    with suppress(ZeroDivisionError), NpyWriter(tmp_path / "a.npy", (2,), np.uint8) as writer:
        writer.append(np.zeros((3, 2), np.uint8))
        raise ZeroDivisionError
    with pytest.raises(EpisodeError, match="is damaged"):
        FrameStore(tmp_path / "a.npy")
