"""Windows: batches of (image, text, anchor, past, future) for the world model.

A batch depends on (seed, step) and nothing else, so training resumes at any step with the same data, and
loading in another process or order cannot change it. Anchor frames are visited in a new random order in
every epoch; of each frame up to `n_queries` rows are drawn without replacement and the rest of the query
axis is padding.

Conventions
    space   u = 2 x / W - 1, v = 2 y / H - 1, z metres, all relative to the anchor; futures also divided by
    the
            delta scale, histories not
    time    histories oldest first, futures from the first step after the anchor
    masks   whatever is unknown is zero and False in its mask; there is no NaN
    rest    with `resting_share` some queries are about points that stay, see mu0.dataset.resting

Entry points
    TraceWindows.open(...)         one split of the trace dataset
    .batches(batch, queries, seed) endless, resumable with `first_step`
    .batch(step, ...)              the batch of one step

Source
    reference/mu0.md §1.4 to §1.6, with two changes: frames without a usable row are left out instead of being
    used unfiltered, and unless `fewest_queries` is set the number of queries is as large as the frame allows
    instead of random.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64

from mu0.dataset.batch import TraceBatch
from mu0.dataset.depth_colour import MIN_DEPTH_M, colour_depth
from mu0.dataset.index import read_slots
from mu0.dataset.named import named_batch
from mu0.dataset.resting import NO_CLUSTER, RestingPoints, draw_resting, leaves, with_room_for_rest
from mu0.dataset.splits import Split
from mu0.dataset.statistics import NormalizerStats
from mu0.dataset.store import SlotStore, WindowSettings, load_slots
from mu0.errors import DatasetError

INDEX_NAME = "index.parquet"
STATISTICS_NAME = "normalizer_stats.json"


class TraceWindows:
    """Random batches of one split; see the module's text.

    `asks_about_rest` says whether some queries are about points that rest: they are asked for, and there are
    some. `asks_what_is_named` says the same of moments before a thing is touched.
    """

    asks_about_rest: bool = False
    asks_what_is_named: bool = False

    def __init__(self, store: SlotStore, statistics: NormalizerStats, settings: WindowSettings) -> None:
        if statistics.future_len != settings.shape.future_len:
            raise DatasetError(
                f"The statistics were made for {statistics.future_len} future steps, "
                f"the windows have {settings.shape.future_len}.",
                expected="equal numbers, because the scale of a displacement grows with its length",
                remedy="use the normalizer_stats.json of this dataset, or run `dvc repro trace_dataset`.",
            )
        self.asks_about_rest = store.resting is not None and settings.resting_share > 0
        self.asks_what_is_named = store.untouched is not None and settings.named_images > 0
        self.store = store
        self.statistics = statistics
        self.settings = settings

    @classmethod
    def open(
        cls, dataset: Path, episodes_root: Path, captions_root: Path, split: Split, settings: WindowSettings
    ) -> "TraceWindows":
        """Load the frames of `split`, as listed in the folder `dataset` of the stage trace_dataset.

        Raises:
            DatasetError: The split is empty, or the index or the statistics cannot be used.
        """
        slots = read_slots(dataset / INDEX_NAME)
        chosen = slots[slots["split"] == split]
        if not len(chosen):
            counts = slots["split"].value_counts().to_dict()
            raise DatasetError(
                f"The split {split!r} of {dataset} has no frame (frames per split: {counts}).",
                expected="at least one frame",
                remedy="add videos: a source needs three scenes before one is held out.",
            )
        store = load_slots(chosen, episodes_root, captions_root, settings)
        return cls(store, NormalizerStats.read(dataset / STATISTICS_NAME), settings)

    def __len__(self) -> int:
        """Number of anchor frames."""
        return self.store.n_slots

    def officially(self) -> "TraceWindows":
        """The same frames without queries about points that rest."""
        return TraceWindows(
            self.store, self.statistics, replace(self.settings, resting_share=0.0, named_images=0)
        )

    def batches(
        self, batch_size: int, n_queries: int, seed: int, first_step: int = 0
    ) -> Iterator[TraceBatch]:
        """Endless batches; `first_step` > 0 goes on where an interrupted training stopped."""
        step = first_step
        while True:
            yield self.batch(step, batch_size, n_queries, seed)
            step += 1

    def batch(self, step: int, batch_size: int, n_queries: int, seed: int) -> TraceBatch:
        """The batch that belongs to (`seed`, `step`)."""
        rng = np.random.default_rng([seed, step])
        slots = self._slots_of_step(step, batch_size, seed)
        rows, is_query = _draw_rows(self.store.first_row, slots, n_queries, rng)
        if self.settings.fewest_queries > 0:
            is_query &= np.arange(n_queries) < _draw_counts(is_query, self.settings.fewest_queries, rng)
        frames = self.store.frame_index[slots]
        texts = [self.store.captions[s].draw(int(f), rng) for s, f in zip(slots, frames, strict=True)]
        panel, depth_valid = self._depth_panel(slots, rng)
        image = self._images(slots, rng)
        if self.asks_about_rest and self.settings.fewest_queries == 0:
            rows, is_query = with_room_for_rest(rows, is_query)
        traces = self._traces(slots, rows, is_query)
        if self.store.resting is not None and self.asks_about_rest:
            traces, is_query = self._with_resting(self.store.resting, traces, slots, is_query, rng)
        return TraceBatch(
            image=image,
            instructions=texts,
            query_valid=torch.from_numpy(is_query),
            depth_panel=panel,
            depth_valid=depth_valid,
            has_depth_axis=torch.from_numpy(self.store.is_3d[slots]),
            rays=torch.from_numpy(self.store.rays[slots]),
            named=named_batch(self.store, self.settings.named_images, step, seed),
            **{name: torch.from_numpy(value) for name, value in traces.items()},
        )

    def _slots_of_step(self, step: int, batch_size: int, seed: int) -> Int64[np.ndarray, " b"]:
        """Consecutive places of the endless sequence of shuffled epochs."""
        places = np.arange(step * batch_size, (step + 1) * batch_size)
        epochs, within = np.divmod(places, len(self))
        return np.array([_order(seed, int(e), len(self))[w] for e, w in zip(epochs, within, strict=True)])

    def _traces(
        self,
        slots: Int64[np.ndarray, " b"],
        rows: Int64[np.ndarray, "b q"],
        is_query: Bool[np.ndarray, "b q"],
    ) -> dict[str, np.ndarray]:
        windows = self.store.windows
        to_uv = np.ones((len(slots), 1, 1, 3), np.float32)
        to_uv[:, 0, 0, :2] = 2 / self.store.width_height_px[slots]
        future = windows.future[rows].astype(np.float32) * to_uv
        history = windows.history[rows, :0:-1].astype(np.float32) * to_uv
        anchor = windows.history[rows, 0].astype(np.float32) * to_uv[:, 0]
        future_valid = windows.future_valid[rows, 1:] & is_query[..., None]
        history_valid = windows.history_valid[rows, :0:-1] & is_query[..., None]
        delta = (future[:, :, 1:] - anchor[:, :, None]) / self.statistics.delta_scale
        return {
            "anchor_uvz": (anchor - np.array([1, 1, 0], np.float32)) * is_query[..., None],
            "history": (history - anchor[:, :, None]) * history_valid[..., None],
            "history_valid": history_valid,
            "future": delta * future_valid[..., None],
            "future_valid": future_valid,
            "cluster_ids": np.where(is_query, windows.cluster_ids[rows], NO_CLUSTER),
        }

    def _with_resting(
        self,
        points: RestingPoints,
        traces: dict[str, np.ndarray],
        slots: Int64[np.ndarray, " b"],
        is_query: Bool[np.ndarray, "b q"],
        rng: np.random.Generator,
    ) -> tuple[dict[str, np.ndarray], Bool[np.ndarray, "b q"]]:
        """The traces with some queries at rest, and which of them move; drawn after everything else."""
        fills, share = self.settings.fewest_queries == 0, self.settings.resting_share
        rests, rows = draw_resting(points, slots, is_query, share, rng, fills=fills)
        to_uvz = np.ones((len(slots), 1, 3), np.float32)
        to_uvz[:, 0, :2] = 2 / self.store.width_height_px[slots]
        places = points.places[rows].astype(np.float32) * to_uvz - np.array([1, 1, 0], np.float32)
        still = rests[..., None]
        future_valid = np.where(still, points.future_valid[slots][:, None, 1:], traces["future_valid"])
        history_valid = np.where(still, points.history_valid[slots][:, None, :0:-1], traces["history_valid"])
        future = np.where(still[..., None], np.float32(0), traces["future"])
        scale = self.statistics.delta_scale[:2]
        return {
            "anchor_uvz": np.where(still, places, traces["anchor_uvz"]),
            "history": np.where(still[..., None], np.float32(0), traces["history"]),
            "history_valid": history_valid,
            "future": future,
            "future_valid": future_valid,
            "cluster_ids": np.where(rests, NO_CLUSTER, traces["cluster_ids"]),
            "moves": leaves(future[..., :2] * scale, future_valid),
        }, is_query | rests

    def _images(
        self, slots: Int64[np.ndarray, " b"], rng: np.random.Generator
    ) -> Float[torch.Tensor, "b 3 s s"]:
        images = torch.from_numpy(self.store.images[slots]).float().div_(255)
        jitter = self.settings.image_jitter
        if jitter == 0:
            return images
        factors = rng.uniform(1 - jitter, 1 + jitter, size=(2, len(slots), 1, 1, 1)).astype(np.float32)
        brightness, contrast = torch.from_numpy(factors)
        mean = images.mean(dim=(1, 2, 3), keepdim=True)
        return images.sub_(mean).mul_(contrast).add_(mean).mul_(brightness).clamp_(0, 1)

    def _depth_panel(
        self, slots: Int64[np.ndarray, " b"], rng: np.random.Generator
    ) -> tuple[Float[torch.Tensor, "b 3 s s"] | None, Bool[torch.Tensor, " b"] | None]:
        log_range = self.statistics.depth_log_range
        if self.store.depth_m is None or log_range is None:
            return None, None
        depth_m = self.store.depth_m[slots].astype(np.float32)
        if self.settings.depth_noise_m > 0:
            noise_m = rng.standard_normal(depth_m.shape, dtype=np.float32) * self.settings.depth_noise_m
            depth_m = np.where(depth_m > MIN_DEPTH_M, depth_m + noise_m, 0)
        has_depth = self.store.has_depth[slots]
        panel = torch.from_numpy(colour_depth(depth_m, log_range)).permute(0, 3, 1, 2)
        return (panel * torch.from_numpy(has_depth)[:, None, None, None]).contiguous(), torch.from_numpy(
            has_depth
        )


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, n_slots: int) -> Int64[np.ndarray, " n"]:
    return np.random.default_rng([seed, epoch, n_slots]).permutation(n_slots)


def _draw_rows(
    first_row: Int64[np.ndarray, " borders"],
    slots: Int64[np.ndarray, " b"],
    n_queries: int,
    rng: np.random.Generator,
) -> tuple[Int64[np.ndarray, "b q"], Bool[np.ndarray, "b q"]]:
    """`n_queries` distinct rows of each slot in random order; where it has fewer, its first row and False."""
    start, n_rows = first_row[slots], np.diff(first_row)[slots]
    n_columns = max(int(n_rows.max()), n_queries)
    keys = rng.random((len(slots), n_columns))
    keys[np.arange(n_columns) >= n_rows[:, None]] = np.inf  # sorts behind every real row
    picks = np.argsort(keys, axis=1)[:, :n_queries]
    is_query = np.arange(n_queries) < n_rows[:, None]
    return start[:, None] + np.where(is_query, picks, 0), is_query


def _draw_counts(
    is_query: Bool[np.ndarray, "b q"], fewest: int, rng: np.random.Generator
) -> Int64[np.ndarray, "b 1"]:
    """A uniform number of keypoints per image, both ends included, never more than there are."""
    most = is_query.sum(axis=1)
    return rng.integers(np.minimum(fewest, most), most + 1)[:, None]
