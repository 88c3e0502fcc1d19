"""Traces as words and back: waypoints, quantised axis by axis.

    future (32 steps)  ->  every 4th step = 8 waypoints  ->  bins of u, v, z  ->  24 words
    words              ->  bin centres                   ->  straight lines from the anchor on  ->  32 steps

Displacements are those of the batch: relative to the anchor and divided by the delta scale, so that one set
of bins, evenly spaced over [-limit, limit], serves every data set. The error of a displacement inside the
limit is at most half a bin, `limit / n_bins`.

Straight lines because they are best on our traces: 0.016 mean error in uv with 8 unquantised waypoints,
monotone cubics 0.017, cubic splines 0.016 (857 complete held-out traces; 0.019 with 256 bins).
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mu0.baselines.token_vlm.config import TokenVlmConfig

UNKNOWN = -1  # the word of what is not known: behind the end of a trace, or z without depth


def quantise(scaled: Float[Tensor, "*batch"], n_bins: int, limit: float) -> Int[Tensor, "*batch"]:
    """The bin of each displacement; beyond the limit the outermost one."""
    return ((scaled + limit) * (n_bins / (2 * limit))).floor().long().clamp(0, n_bins - 1)


def dequantise(bins: Int[Tensor, "*batch"], n_bins: int, limit: float) -> Float[Tensor, "*batch"]:
    """Centres of the bins."""
    return (bins.float() + 0.5) * (2 * limit / n_bins) - limit


def words_of(points: Float[Tensor, "*batch k 3"], config: TokenVlmConfig) -> Int[Tensor, "*batch k 3"]:
    """Bins of waypoints. An increment starts where the words so far lead, so errors do not add up."""
    if config.words == "absolute":
        return quantise(points, config.n_bins, config.limit)
    words, reached = [], torch.zeros_like(points[..., 0, :])
    for point in points.unbind(-2):
        words.append(quantise(point - reached, config.n_bins, config.limit))
        reached = reached + dequantise(words[-1], config.n_bins, config.limit)
    return torch.stack(words, dim=-2)


def points_of(words: Int[Tensor, "*batch k 3"], config: TokenVlmConfig) -> Float[Tensor, "*batch k 3"]:
    """The waypoints that words name."""
    centres = dequantise(words, config.n_bins, config.limit)
    return centres if config.words == "absolute" else centres.cumsum(-2)


def waypoint_words(
    future: Float[Tensor, "b q step 3"],
    future_valid: Bool[Tensor, "b q step"],
    axis_known: Bool[Tensor, "b 3"],
    config: TokenVlmConfig,
) -> tuple[Int[Tensor, "b q k 3"], Bool[Tensor, "b q k"]]:
    """Bins of the waypoints, `UNKNOWN` where there is none, and which waypoints the trace reaches.

    A waypoint counts while all before it are valid too: what comes after a gap is not learned.
    """
    every = future.shape[2] // config.n_waypoints
    reached = future_valid[:, :, every - 1 :: every].long().cumprod(-1).bool()
    words = words_of(future[:, :, every - 1 :: every], config)
    is_known = reached[..., None] & axis_known[:, None, None]
    return torch.where(is_known, words, UNKNOWN), reached


def lines(n_steps: int, n_waypoints: int) -> Float[Tensor, "step k"]:
    """Weights of the waypoints in each step; what is missing to 1 belongs to the anchor, which is zero."""
    every = n_steps / n_waypoints
    place = torch.arange(1, n_steps + 1, dtype=torch.float64) / every  # 1 = at the first waypoint
    number = torch.arange(1, n_waypoints + 1, dtype=torch.float64)
    return (1 - (place[:, None] - number).abs()).clamp(min=0).float()


def interpolate_waypoints(
    points: Float[Tensor, "*batch k 3"], n_steps: int
) -> Float[Tensor, "*batch step 3"]:
    """Straight lines from the anchor over the waypoints."""
    return lines(n_steps, points.shape[-2]).to(points) @ points


def interpolate_probability(reached: Float[Tensor, "*batch k"], n_steps: int) -> Float[Tensor, "*batch step"]:
    """The same for a probability, which is 1 at the anchor."""
    weights = lines(n_steps, reached.shape[-1]).to(reached)
    return reached @ weights.mT + (1 - weights.sum(-1))


def blurred_labels(n_bins: int, blur_bins: float) -> Float[Tensor, "bin bin"]:
    """Row i is the label of bin i: a Gaussian around it that sums to 1, or a single 1 without blur."""
    if blur_bins == 0:
        return torch.eye(n_bins)
    distance = torch.arange(n_bins)[:, None] - torch.arange(n_bins)
    return torch.softmax(-0.5 * (distance / blur_bins).square(), dim=-1)
