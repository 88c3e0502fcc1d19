"""Batches: what the stored numbers become, masks instead of NaN, resumable, seeded, complete epochs."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mu0.dataset.batch import TraceBatch
from mu0.dataset.statistics import NormalizerStats
from mu0.dataset.store import WindowSettings
from mu0.dataset.windows import TraceWindows
from mu0.episodes.read import read_episode
from mu0.errors import DatasetError
from tests.mu0.dataset.tiny_dataset import SHAPE, TinyDataset

SETTINGS = WindowSettings(SHAPE, image_size_px=16, with_depth=True)


@pytest.fixture
def windows(tiny: TinyDataset) -> TraceWindows:
    return TraceWindows.open(tiny.folder, tiny.episodes, tiny.captions, "train", SETTINGS)


def tensors(batch: TraceBatch) -> dict[str, torch.Tensor]:
    return {name: value for name, value in vars(batch).items() if isinstance(value, torch.Tensor)}


def test_targets_are_the_stored_displacements_in_scaled_uvz(tiny: TinyDataset, windows: TraceWindows) -> None:
    batch = windows.batch(0, len(windows), 8, seed=0)
    scale = windows.statistics.delta_scale
    samples = read_episode(tiny.episodes / "phone" / "walk").samples
    assert samples is not None
    stored = samples.traj[:, :13].astype(np.float32) * np.array([2 / 32, 2 / 24, 1], np.float32)
    flat = torch.nonzero(~batch.has_depth_axis)[:, 0]  # type: ignore[operator]
    assert len(flat) == 3
    for b in flat:
        for q in torch.nonzero(batch.query_valid[b])[:, 0]:
            anchor = batch.anchor_uvz[b, q].numpy() + np.array([1, 1, 0], np.float32)
            row = int(np.abs(stored[:, 0] - anchor).sum(-1).argmin())
            valid = samples.valid_steps[row, 1:13]
            np.testing.assert_array_equal(batch.future_valid[b, q].numpy(), valid)
            expected = np.where(valid[:, None], (stored[row, 1:] - stored[row, 0]) / scale, 0)
            np.testing.assert_allclose(batch.future[b, q].numpy(), expected, atol=1e-5)


def test_history_is_oldest_first_relative_and_unscaled(windows: TraceWindows) -> None:
    batch = windows.batch(0, len(windows), 4, seed=0)
    # stored: anchor and two past steps are valid, so of four steps the two youngest, which come last
    assert batch.history_valid[batch.query_valid].tolist()[0] == [False, False, True, True]
    known = batch.history[batch.query_valid]
    assert (known[:, :2] == 0).all()
    scaled_step = batch.future[batch.query_valid][:, 0] * torch.from_numpy(windows.statistics.delta_scale)
    np.testing.assert_allclose(known[:, 3], -scaled_step, atol=2e-3)  # straight lines, float16 pixels
    np.testing.assert_allclose(known[:, 2], 2 * known[:, 3], atol=2e-3)


def test_nothing_is_ever_nan_and_unknown_is_zero(windows: TraceWindows) -> None:
    batch = windows.batch(3, 7, 8, seed=1)
    assert all(torch.isfinite(value).all() for value in tensors(batch).values())
    assert (batch.future[~batch.future_valid] == 0).all()
    assert (batch.history[~batch.history_valid] == 0).all()
    padding = ~batch.query_valid
    assert padding.any()
    assert (batch.anchor_uvz[padding] == 0).all()
    assert (batch.cluster_ids[padding] == -1).all()
    assert not batch.future_valid[padding].any()
    assert (batch.future[~batch.has_depth_axis][..., 2] == 0).all()  # type: ignore[operator]


def test_queries_of_an_image_are_distinct(windows: TraceWindows) -> None:
    batch = windows.batch(0, 12, 3, seed=0)
    assert batch.query_valid.all()
    assert all(len(set(ids.tolist())) == 3 for ids in batch.cluster_ids)


def test_a_batch_depends_on_seed_and_step_only(windows: TraceWindows) -> None:
    stream = windows.batches(5, 4, seed=7)
    first = [next(stream) for _ in range(4)]
    resumed = next(windows.batches(5, 4, seed=7, first_step=3))
    for name, value in tensors(first[3]).items():
        assert torch.equal(value, tensors(resumed)[name]), name
    assert resumed.instructions == first[3].instructions
    assert not torch.equal(first[0].image, next(windows.batches(5, 4, seed=8)).image)


def test_an_epoch_shows_every_frame_once(windows: TraceWindows) -> None:
    n = len(windows)
    images = torch.cat([windows.batch(step, 5, 1, seed=0).image for step in range(n)])  # five epochs
    for epoch in range(5):
        assert len(torch.unique(images[epoch * n : (epoch + 1) * n].flatten(1), dim=0)) == n


def test_images_are_resized_and_jitter_keeps_them_in_range(tiny: TinyDataset, windows: TraceWindows) -> None:
    plain = windows.batch(0, 6, 2, seed=0)
    loud = TraceWindows(windows.store, windows.statistics, replace(SETTINGS, image_jitter=0.5)).batch(
        0, 6, 2, 0
    )
    assert plain.image.shape == (6, 3, 16, 16)
    assert loud.image.min() >= 0
    assert loud.image.max() <= 1
    assert not torch.equal(plain.image, loud.image)
    assert torch.equal(plain.future, loud.future)


def test_depth_panels_exist_only_where_there_is_depth(windows: TraceWindows) -> None:
    batch = windows.batch(0, len(windows), 2, seed=0)
    assert batch.depth_panel is not None
    assert batch.depth_valid is not None
    assert torch.equal(batch.depth_valid, batch.has_depth_axis)  # type: ignore[arg-type]
    assert (batch.depth_panel[~batch.depth_valid] == 0).all()
    assert batch.depth_panel[batch.depth_valid].flatten(1).std(1).min() > 0


def test_more_rows_than_the_limit_are_thinned_out(tiny: TinyDataset) -> None:
    few = replace(SETTINGS, max_rows_per_slot=2)
    windows = TraceWindows.open(tiny.folder, tiny.episodes, tiny.captions, "train", few)
    assert windows.batch(0, 4, 4, 0).query_valid.sum(1).tolist() == [2, 2, 2, 2]


def test_an_empty_split_and_foreign_statistics_are_refused(
    tiny: TinyDataset, windows: TraceWindows, statistics: NormalizerStats, tmp_path: object
) -> None:
    with pytest.raises(DatasetError, match="statistics were made for 32 future steps, the windows have 12"):
        TraceWindows(windows.store, replace(statistics, future_len=32), SETTINGS)


def test_with_fewest_queries_the_number_of_keypoints_is_random_between_the_borders(tiny: TinyDataset) -> None:
    settings = WindowSettings(SHAPE, 16, fewest_queries=2)
    windows = TraceWindows.open(tiny.folder, tiny.episodes, tiny.captions, "train", settings)
    counts = torch.cat([windows.batch(step, 8, 4, 0).query_valid.sum(1) for step in range(20)])
    assert set(counts.tolist()) == {2, 3, 4}
