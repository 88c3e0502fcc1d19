"""Grid, increments, tokens and positions: inverse pairs and the published check values."""

import numpy as np
import pytest
import torch

from mu0.baselines.tracegen.config import preset
from mu0.baselines.tracegen.grid import (
    cell_centres,
    cell_of,
    keypoint_of_cell,
    nearest_keypoint,
    place_on_grid,
)
from mu0.baselines.tracegen.increments import from_patches, increments_of, to_patches, trace_of
from mu0.baselines.tracegen.patches import choose_patches
from mu0.baselines.tracegen.positions import grid_positions, noise_level_waves


def test_grid_points_lie_in_their_own_cells_row_by_row() -> None:
    centres = cell_centres(20)
    assert centres[0].tolist() == [-1, -1]
    assert centres[1, 0] > centres[0, 0]
    torch.testing.assert_close(centres[20], torch.tensor([-1.0, -1 + 2 / 19]))
    assert cell_of(centres, 20).tolist() == list(range(400))
    assert cell_of(torch.tensor([[3.0, -3.0]]), 20).tolist() == [19]


def test_a_cell_takes_its_nearest_keypoint_and_no_padding() -> None:
    centre = cell_centres(20)[42]
    uv = torch.stack([centre + 0.03, centre - 0.01, centre + 0.01, centre, torch.tensor([0.9, 0.9])])[None]
    is_query = torch.tensor([[True, True, True, False, True]])
    chosen = keypoint_of_cell(uv, is_query, 20)
    assert chosen[0, 42] in (1, 2)
    assert (chosen >= 0).sum() == 2
    values = place_on_grid(torch.arange(5.0)[None], chosen)
    assert values[0, 42] == chosen[0, 42]
    assert values.count_nonzero() == 2
    assert set(nearest_keypoint(uv, is_query, 20).unique().tolist()) <= {0, 1, 2, 4}


def test_increments_and_traces_are_inverse() -> None:
    trace = torch.randn(3, 7, 32, 3)
    increments, known = increments_of(trace, torch.ones(3, 7, 32, dtype=torch.bool))
    assert known.all()
    torch.testing.assert_close(trace_of(increments), trace)


def test_an_increment_is_known_where_both_of_its_ends_are() -> None:
    valid = torch.tensor([[True, False, True, True, False]])
    increments, known = increments_of(torch.ones(1, 5, 3) * torch.arange(5.0)[:, None], valid)
    assert known.tolist() == [[True, False, False, True, False]]
    assert increments[0, :, 0].tolist() == [0, 0, 0, 1, 0]


@pytest.mark.parametrize(("frames", "patch"), [(2, 2), (8, 4), (32, 1), (1, 5)])
def test_patches_are_inverse(frames: int, patch: int) -> None:
    cells = torch.randn(2, 400, 32, 3)
    patches = to_patches(cells, 20, frames, patch)
    assert patches.shape == (2, 32 // frames, (20 // patch) ** 2, 3 * frames * patch**2)
    torch.testing.assert_close(from_patches(patches, 20, frames, patch), cells, rtol=0, atol=0)


def test_a_number_lands_where_the_published_code_puts_it() -> None:
    """Frame 3, channel 2 (coordinate 1, first step of its frame), y 4, x 6: token 323, number 8."""
    cells = torch.zeros(1, 400, 32, 3)
    cells[0, 4 * 20 + 6, 2 * 3, 1] = 1
    tokens = to_patches(cells, 20, 2, 2).flatten(1, 2)
    assert tokens.nonzero().tolist() == [[0, 323, 8]]


def test_chosen_patches_are_those_with_a_keypoint_and_come_back() -> None:
    config = preset("tiny")
    occupied = torch.zeros(2, 400, dtype=torch.bool)
    occupied[0, [0, 1, 20, 399]] = True
    occupied[1, 4 * 20 + 6] = True
    choice = choose_patches(occupied, config)
    assert choice.index[choice.is_chosen].tolist() == [0, 99, 23]
    patches = torch.randn(2, config.n_frames, config.n_patches, config.patch_features)
    back = choice.scatter(choice.gather(patches), config.n_frames, config.n_patches)
    kept = torch.zeros(2, 100, dtype=torch.bool)
    kept[0, [0, 99]] = kept[1, 23] = True
    torch.testing.assert_close(back, patches * kept[:, None, :, None], rtol=0, atol=0)
    assert choice.token_mask(config.n_frames).sum(1).tolist() == [2 * config.n_frames, config.n_frames]


def test_positions_have_the_published_values() -> None:
    positions = grid_positions(16, 10, 512).unflatten(1, (10, 10))
    known = {
        (1, 0, 0): {0: 0.84147, 1: 0.76172, 64: 0.54030, 65: 0.64791},
        (0, 0, 1): {128: 0.50841, 129: 0.46580, 224: 0.86112, 225: 0.88489},
        (0, 1, 0): {320: 0.50841, 321: 0.46580, 416: 0.86112, 417: 0.88489},
        (15, 9, 9): {0: 0.65029, 128: -0.99616},
    }
    for place, values in known.items():
        for dimension, value in values.items():
            assert positions[place][dimension] == pytest.approx(value, abs=1e-5)


def test_noise_levels_count_in_hundredths_cosine_first() -> None:
    waves = noise_level_waves(torch.tensor([0.0, 0.03]), 8)
    np.testing.assert_allclose(waves[0], [1, 1, 1, 1, 0, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(
        waves[1, [0, 1, 4, 5]], [np.cos(3), np.cos(0.3), np.sin(3), np.sin(0.3)], atol=1e-5
    )


def test_increments_in_published_units() -> None:
    """Δx 0.025 of the image is 0.05 in u, half of the bound; Δz 0.02 m is half of its bound."""
    scale = torch.tensor(preset("official_train").increment_scale)
    torch.testing.assert_close(
        torch.tensor([2 * 0.025, 2 * -0.1, 0.02]) / scale, torch.tensor([0.5, -2.0, 0.5])
    )
