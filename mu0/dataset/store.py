"""All anchor frames of one split in memory, packed so that a batch is a handful of array look-ups.

Images are resized once (an anisotropic squash as in the official code; uv coordinates do not notice).
Traces are kept as stored, float16 pixels and metres, and only the windows that training reads. Arrays
larger than `MEMORY_BYTES` live in an unnamed temporary file that the operating system pages in and out.
"""

import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Float16, Float32, Int64, UInt8

from mu0.dataset.captions import CaptionPool, read_captions
from mu0.dataset.resting import FrameAtRest, RestingPoints, packed, places_at_rest
from mu0.dataset.rows import Windows, WindowShape, check_columns, eligible_rows, read_windows
from mu0.dataset.untouched import Untouched, find_untouched
from mu0.episodes.arrays import Samples
from mu0.episodes.read import Episode, read_episode
from mu0.errors import DatasetError
from mu0.progress import track

MEMORY_BYTES = 6 << 30


@dataclass(frozen=True)
class WindowSettings:
    """What training wants to see of a window.

    Attributes:
        shape: Length of past and future.
        image_size_px: Side of the square model input.
        with_depth: Load depth and hand out depth panels.
        image_jitter: Largest relative change of brightness and contrast; 0 is off.
        depth_noise_m: Standard deviation of noise on valid depth before colouring; 0 is off.
        max_rows_per_slot: Rows kept of one anchor frame, to bound memory; a fixed random choice.
        fewest_queries: Above 0, an image has a random number of keypoints from this to as many as are asked
            for (the official rule); with 0 as many as there are.
        resting_share: Of queries about points that rest (`mu0.dataset.resting`); 0 asks as officially, about
            moving points only.
        named_images: More images per batch, asked where the named thing is (`mu0.dataset.named`).
    """

    shape: WindowShape
    image_size_px: int
    with_depth: bool = False
    image_jitter: float = 0.0
    depth_noise_m: float = 0.0
    max_rows_per_slot: int = 128
    fewest_queries: int = 0
    resting_share: float = 0.0
    named_images: int = 0


@dataclass(frozen=True)
class SlotStore:
    """Packed anchor frames: slot s owns the rows `first_row[s]:first_row[s + 1]` of `windows`."""

    images: UInt8[np.ndarray, "slot 3 size size"]
    depth_m: Float16[np.ndarray, "slot size size"] | None
    has_depth: Bool[np.ndarray, " slot"]
    is_3d: Bool[np.ndarray, " slot"]
    width_height_px: Float32[np.ndarray, "slot 2"]
    rays: Float32[np.ndarray, "slot 2 2"]
    first_row: Int64[np.ndarray, " slot+1"]
    windows: Windows
    frame_index: Int64[np.ndarray, " slot"]
    captions: list[CaptionPool]
    resting: RestingPoints | None = None  # only if they are asked about and there are some
    untouched: Untouched | None = None  # only if it is asked what is named, and there are some

    @property
    def n_slots(self) -> int:
        """Number of anchor frames."""
        return len(self.frame_index)


def load_slots(
    slots: pd.DataFrame, episodes_root: Path, captions_root: Path, settings: WindowSettings
) -> SlotStore:
    """Read the anchor frames listed in `slots` (rows of `index.parquet`).

    Raises:
        DatasetError: The episodes are not those that the index was made from.
        EpisodeError: An episode is damaged.
    """
    slots = slots.sort_values(["episode_id", "slot"], ignore_index=True)
    kept = np.minimum(slots["n_rows"].to_numpy(np.int64), settings.max_rows_per_slot)
    store = _allocate(slots, np.concatenate([[0], np.cumsum(kept)]).astype(np.int64), settings)
    at_rest: dict[int, FrameAtRest] = {}
    asks_about_rest = settings.resting_share > 0 or settings.named_images > 0
    for episode_id, places in track(slots.groupby("episode_id").indices.items(), "loading windows"):
        episode = read_episode(episodes_root / str(episode_id))
        pool = read_captions(captions_root, str(episode_id))
        for place in places:
            store.captions[place] = pool
        _fill(store, episode, places, slots.loc[places, "slot"].to_numpy(np.int64), settings)
        if asks_about_rest:
            at_rest |= {int(place): _at_rest(store, episode, int(place)) for place in places}
    if not asks_about_rest:
        return store
    resting = packed([at_rest[place] for place in range(len(slots))])
    if not len(resting.places):
        return store
    store = replace(store, resting=resting)
    if settings.named_images == 0:
        return store
    numbers = pd.factorize(slots["episode_id"])[0].astype(np.int64)
    untouched = find_untouched(
        store.windows, store.first_row, store.width_height_px, numbers, resting, store.captions
    )
    return replace(store, untouched=untouched) if len(untouched.slots) else store


def _at_rest(store: SlotStore, episode: Episode, place: int) -> FrameAtRest:
    """The resting points of one anchor frame, known for as long as its moving rows."""
    rows = slice(int(store.first_row[place]), int(store.first_row[place + 1]))
    return FrameAtRest(
        *places_at_rest(episode, int(store.frame_index[place])),
        store.windows.future_valid[rows].any(0),
        store.windows.history_valid[rows].any(0),
    )


def _allocate(slots: pd.DataFrame, first_row: Int64[np.ndarray, " s"], settings: WindowSettings) -> SlotStore:
    n_slots, n_rows, size = len(slots), int(first_row[-1]), settings.image_size_px
    n_future, n_past = settings.shape.future_len + 1, settings.shape.history_len + 1
    return SlotStore(
        images=_array((n_slots, 3, size, size), np.uint8),
        depth_m=_array((n_slots, size, size), np.float16) if settings.with_depth else None,
        has_depth=np.zeros(n_slots, bool),
        is_3d=slots["is_3d"].to_numpy(bool),
        width_height_px=np.ones((n_slots, 2), np.float32),
        rays=np.zeros((n_slots, 2, 2), np.float32),
        first_row=first_row,
        windows=Windows(
            future=_array((n_rows, n_future, 3), np.float16),
            future_valid=_array((n_rows, n_future), bool),
            history=_array((n_rows, n_past, 3), np.float16),
            history_valid=_array((n_rows, n_past), bool),
            cluster_ids=_array((n_rows,), np.int64),
        ),
        frame_index=slots["frame_index"].to_numpy(np.int64),
        captions=[CaptionPool()] * n_slots,
    )


def _array(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    n_bytes = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if n_bytes <= MEMORY_BYTES:
        return np.zeros(shape, dtype)
    with tempfile.TemporaryFile() as file:  # a map outlives its file
        if hasattr(os, "posix_fallocate"):  # writing to a map that finds no room kills the process (SIGBUS)
            try:
                os.posix_fallocate(file.fileno(), 0, n_bytes)
            except OSError as error:
                raise OSError(error.errno, error.strerror, tempfile.gettempdir()) from error
        return np.memmap(file, dtype=dtype, mode="w+", shape=shape)


def _fill(
    store: SlotStore,
    episode: Episode,
    places: Int64[np.ndarray, " k"],
    slots: Int64[np.ndarray, " k"],
    settings: WindowSettings,
) -> None:
    """Copy the anchors `slots` of one episode to `places` of the store."""
    samples = episode.samples
    if samples is None or (len(slots) and slots.max() >= samples.n_slots):
        raise _stale(episode.folder)
    check_columns(samples, settings.shape, str(episode.folder))
    height, width = episode.size_px
    store.width_height_px[places] = (width, height)
    rows = _choose_rows(store, episode, samples, places, slots, settings)
    goal = slice(int(store.first_row[places[0]]), int(store.first_row[places[-1] + 1]))
    windows = read_windows(samples, rows, settings.shape)
    for name, values in vars(windows).items():
        getattr(store.windows, name)[goal] = values
    size = (settings.image_size_px, settings.image_size_px)
    for place in places:
        frame = store.frame_index[place]
        store.rays[place] = rays_of(np.asarray(episode.intrinsics[frame], np.float64), episode.size_px)
        store.images[place] = cv2.resize(np.asarray(episode.images[frame]), size).transpose(2, 0, 1)
        if store.depth_m is not None and episode.depth is not None:
            depth_m = np.nan_to_num(np.asarray(episode.depth[frame], np.float32), posinf=0, neginf=0)
            store.depth_m[place] = cv2.resize(depth_m, size, interpolation=cv2.INTER_NEAREST_EXACT)
            store.has_depth[place] = True


def rays_of(intrinsics: Float[np.ndarray, "3 3"], size_px: tuple[int, int]) -> Float32[np.ndarray, "2 2"]:
    """Slope and offset of x / z as a function of u, and of y / z as a function of v; 0 where unknown."""
    focal_px = intrinsics[[0, 1], [0, 1]]
    if not (np.isfinite(intrinsics).all() and (focal_px > 0).all()):
        return np.zeros((2, 2), np.float32)
    half_px = np.array(size_px[::-1]) / 2
    rays = np.stack([half_px / focal_px, (half_px - intrinsics[:2, 2]) / focal_px], axis=1)
    return rays.astype(np.float32)


def _choose_rows(
    store: SlotStore,
    episode: Episode,
    samples: Samples,
    places: Int64[np.ndarray, " k"],
    slots: Int64[np.ndarray, " k"],
    settings: WindowSettings,
) -> Int64[np.ndarray, " n"]:
    """The rows of all `slots`, ascending; where there are too many, a fixed random choice of them."""
    eligible = eligible_rows(samples, episode.size_px, settings.shape)
    chosen = []
    for place, slot in zip(places, slots, strict=True):
        n_kept = int(store.first_row[place + 1] - store.first_row[place])
        rows = np.arange(samples.offsets[slot], samples.offsets[slot + 1])
        rows = rows[eligible[rows]]
        if len(rows) > n_kept:
            rows = np.sort(np.random.default_rng(int(slot)).choice(rows, n_kept, replace=False))
        if len(rows) != n_kept or samples.frame_indices[slot] != store.frame_index[place]:
            raise _stale(episode.folder)
        chosen.append(rows)
    return np.concatenate(chosen).astype(np.int64)


def _stale(folder: Path) -> DatasetError:
    return DatasetError(
        f"{folder} is not the episode that index.parquet was made from.",
        expected="the frames and keypoints that the index lists",
        remedy="run `dvc repro trace_dataset`.",
    )
