"""Five samples from one world model, our way and the official way; equal outputs, compared times.

Ours encodes the prefix once, runs all samples through the expert together, re-projects prefix keys once,
and uses fused attention. The official way (reference/mu0.md §6 and §11.7) repeats everything per sample:
prefix (with a masked depth panel that still passes through the tower), deep copies of the key-value cache
at every solver step, and attention written out in float32.

    python benchmarks/prediction_speed.py --preset small --threads 1
"""

import argparse
import copy
import json
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

import torch
from torch import Tensor

from mu0.dataset.statistics import NormalizerStats
from mu0.model.backbone import Prefix
from mu0.model.flow import euler
from mu0.model.presets import preset
from mu0.model.suffix import Keypoints
from mu0.model.tokenizer import train_tokenizer
from mu0.model.world_model import TraceWorldModel

INSTRUCTION = "pick the red apple into the sink"
MODULES_WITH_ATTENTION = ("mu0.model.backbone", "mu0.model.expert")


def eager_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    """Attention with materialised float32 scores."""
    n_shared = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(n_shared, 1), value.repeat_interleave(n_shared, 1)
    scores = query.float() @ key.float().mT / query.shape[-1] ** 0.5
    scores = torch.where(mask, scores, torch.finfo(torch.float32).min)
    return scores.softmax(-1).to(value.dtype) @ value


def official_style(model: TraceWorldModel, image: Tensor, uv: Tensor, noise: Tensor) -> Tensor:
    """One independent call per sample."""
    samples = []
    for index in range(noise.shape[1]):
        prefix = _prefix_with_masked_depth(model, image)
        keypoints = model.keypoints(uv)
        samples.append(_solve(model, prefix, keypoints, noise[:, index : index + 1]))
    return torch.cat(samples, dim=1)


def _prefix_with_masked_depth(model: TraceWorldModel, image: Tensor) -> Prefix:
    if model.config.use_depth:
        model.backbone.image_tokens(torch.zeros_like(image), is_depth=True)  # computed, then masked away
    return model.encode_prefix(image, [INSTRUCTION])


def _solve(model: TraceWorldModel, prefix: Prefix, keypoints: Keypoints, noise: Tensor) -> Tensor:
    def velocity(x: Tensor, tau: float) -> Tensor:
        cache = copy.deepcopy(prefix)
        return model.velocity(model.future_tokens(cache, keypoints, x, torch.full((1, 1), tau)))

    points = euler(velocity, noise, model.config.euler_steps)
    if model.config.hard_anchor:
        points[..., 0, :] = 0.0
    return points


def ours(model: TraceWorldModel, image: Tensor, uv: Tensor, noise: Tensor) -> Tensor:
    """One call for all samples."""
    return model.sample(model.encode_prefix(image, [INSTRUCTION]), model.keypoints(uv), noise)[0]


def median_seconds(call: Callable[[], Any], repeats: int) -> float:
    """Median wall-clock time of `call` after one warm-up."""
    call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return sorted(times)[len(times) // 2]


@torch.no_grad()
def measure(preset_name: str, n_samples: int, n_queries: int, repeats: int) -> dict[str, float]:
    """Times of both ways and the largest difference of their outputs."""
    config = preset(preset_name)  # type: ignore[arg-type]
    torch.manual_seed(0)
    tokenizer = train_tokenizer([INSTRUCTION], config.vocabulary_size, config.max_text_tokens)
    model = TraceWorldModel(config, tokenizer, NormalizerStats(1.0, 1.0, 1.0, 1, 8, 32)).eval()
    for parameter in model.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.02)
    image = torch.rand(1, 3, config.image_size_px, config.image_size_px)
    uv = torch.rand(1, n_queries, 2) * 2 - 1
    noise = torch.randn(1, n_samples, n_queries, config.n_control_points, 3)
    fast = ours(model, image, uv, noise)
    ours_s = median_seconds(lambda: ours(model, image, uv, noise), repeats)
    with (
        mock.patch.multiple(MODULES_WITH_ATTENTION[0], attend=eager_attention),
        mock.patch.multiple(MODULES_WITH_ATTENTION[1], attend=eager_attention),
    ):
        slow = official_style(model, image, uv, noise)
        official_s = median_seconds(lambda: official_style(model, image, uv, noise), repeats)
    difference = (fast - slow).abs().max().item()
    return {
        "ours_s": ours_s,
        "official_style_s": official_s,
        "ratio": official_s / ours_s,
        "difference": difference,
    }


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="small", choices=["tiny", "small", "base", "paper"])
    parser.add_argument("--samples", type=int, default=5)
    parser.add_argument("--queries", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    numbers = measure(arguments.preset, arguments.samples, arguments.queries, arguments.repeats)
    print(json.dumps(vars(arguments) | numbers))


if __name__ == "__main__":
    main()
