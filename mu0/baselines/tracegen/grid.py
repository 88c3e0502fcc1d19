"""Keypoints that lie anywhere, and the fixed grid of keypoints that TraceGen predicts.

Grid point (row, column) lies at v = linspace(-1, 1)[row], u = linspace(-1, 1)[column], as in the published
data; its cell is everything nearer to it than to any other grid point. Cells are counted row by row.

For training, a cell takes the keypoint nearest to its grid point, and cells without a keypoint have none: no
trace is made up. For a prediction, a keypoint takes the increments of its cell and starts at its own place.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

NO_KEYPOINT = -1


def cell_of(uv: Float[Tensor, "*batch 2"], grid_size: int) -> Int[Tensor, "*batch"]:
    """The cell of each place; places outside the image belong to the nearest cell."""
    column_row = ((uv + 1) / 2 * (grid_size - 1)).round().long().clamp(0, grid_size - 1)
    return column_row[..., 1] * grid_size + column_row[..., 0]


def cell_centres(grid_size: int) -> Float[Tensor, "cells 2"]:
    """(u, v) of the grid points."""
    line = torch.linspace(-1, 1, grid_size)
    v, u = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([u, v], dim=-1).flatten(0, 1)


def keypoint_of_cell(
    uv: Float[Tensor, "b q 2"], is_query: Bool[Tensor, "b q"], grid_size: int
) -> Int[Tensor, "b cells"]:
    """Per cell the number of the keypoint nearest to its grid point, or -1; the first of equals wins."""
    n_images, n_queries = is_query.shape
    cells_bq = cell_of(uv, grid_size)
    centres = cell_centres(grid_size).to(uv)
    distance_bq = torch.where(is_query, (uv - centres[cells_bq]).square().sum(-1), torch.inf)
    nearest_bc = torch.full((n_images, grid_size**2), torch.inf, device=uv.device, dtype=uv.dtype)
    nearest_bc = nearest_bc.scatter_reduce(1, cells_bq, distance_bq, "amin")
    is_winner = is_query & (distance_bq == nearest_bc.gather(1, cells_bq))
    numbers = torch.arange(n_queries, device=uv.device).expand(n_images, -1)
    first_bc = torch.full((n_images, grid_size**2), n_queries, device=uv.device)
    first_bc = first_bc.scatter_reduce(1, cells_bq, torch.where(is_winner, numbers, n_queries), "amin")
    return torch.where(first_bc == n_queries, NO_KEYPOINT, first_bc)


def nearest_keypoint(
    uv: Float[Tensor, "b q 2"], is_query: Bool[Tensor, "b q"], grid_size: int
) -> Int[Tensor, "b cells"]:
    """Per cell the number of the keypoint nearest to its grid point, wherever that keypoint lies."""
    distance_bcq = torch.cdist(cell_centres(grid_size).to(uv).expand(len(uv), -1, -1), uv)
    return torch.where(is_query[:, None], distance_bcq, torch.inf).argmin(-1)


def place_on_grid(
    values: Float[Tensor, "b q *rest"], chosen: Int[Tensor, "b cells"]
) -> Float[Tensor, "b cells *rest"]:
    """The values of the chosen keypoints; zero in cells without one."""
    rest = values.shape[2:]
    index = chosen.clamp(min=0).reshape(*chosen.shape, *[1] * len(rest)).expand(*chosen.shape, *rest)
    has_one = (chosen >= 0).reshape(*chosen.shape, *[1] * len(rest))
    return torch.where(has_one, values.gather(1, index), torch.zeros((), dtype=values.dtype))
