"""Many questions in one pass: one batched prefix, one batched solver, answers as if asked one by one.

Pictures may differ in size (each is squashed to the model's square), in their number of keypoints (padded
and masked), in depth and in history (hidden where missing). Every question draws its noise from the seed by
itself, so its answer does not depend on what else is in the batch, up to rounding.

What is computed once
    The prefix of each picture, and its keys and values as the expert uses them (`TraceNetwork.share`): all
    samples, all keypoints and all solver steps use them; they never grow. Attention is torch's
    `scaled_dot_product_attention`.

Shape suffixes
    B questions   S samples   Q keypoints (padded)   D control points   C = 3
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional

from mu0.model.backbone import Prefix
from mu0.model.corruption import NEUTRAL_INSTRUCTION
from mu0.model.guidance import Guidance
from mu0.model.observation import check_question, depth_panel, picture
from mu0.model.predictor import TracePredictor
from mu0.model.suffix import Keypoints
from mu0.records import Observation, Queries, TraceSamples

BATCH_SIZE = 16
PADDED = ("uv", "history", "history_visible", "valid", "anchor_z_m")  # fields with a keypoint axis


@dataclass(frozen=True)
class Ask:
    """One question to the model."""

    observation: Observation
    queries: Queries


@torch.no_grad()
def predict_batch(
    predictor: TracePredictor,
    asks: Sequence[Ask],
    n_samples: int,
    seed: int,
    batch_size: int = BATCH_SIZE,
) -> list[TraceSamples]:
    """Sample futures of every question, `batch_size` questions at a time.

    Raises:
        PredictionError: A question has no keypoint, or an anchor that is not finite.
    """
    for number, ask in enumerate(asks):
        check_question(ask.queries, n_samples, f"Question {number}")
    answers: list[TraceSamples] = []
    for start in range(0, len(asks), batch_size):
        answers += _answer(predictor, asks[start : start + batch_size], n_samples, seed)
    return answers


def _answer(predictor: TracePredictor, asks: Sequence[Ask], n_samples: int, seed: int) -> list[TraceSamples]:
    model = predictor.model
    counts = [len(ask.queries.anchor_uvz) for ask in asks]
    shape = (len(asks), n_samples, max(counts), model.config.n_control_points, 3)
    noise_bsqdc = torch.zeros(shape)
    for index, count in enumerate(counts):
        generator = torch.Generator().manual_seed(seed)
        drawn = torch.randn(1, n_samples, count, *shape[3:], generator=generator)
        noise_bsqdc[index, :, :count] = drawn[0]
    instructions = [ask.observation.instruction for ask in asks]
    prefix = _prefix(predictor, asks, instructions)
    guidance = None
    if predictor.guidance_scale != 1 and any(text.strip() for text in instructions):
        neutral = _prefix(predictor, asks, [NEUTRAL_INSTRUCTION] * len(asks))
        guidance = Guidance(neutral, predictor.guidance_scale)
    keypoints = _stacked([predictor.keypoints(ask.observation, ask.queries) for ask in asks])
    points, done, moves = model.sample(prefix, keypoints, noise_bsqdc, guidance)
    return [
        predictor.answer(
            ask.queries,
            points[index, :, :count],
            done[index, :, :count],
            None if moves is None else moves[index, :count],
        )
        for index, (ask, count) in enumerate(zip(asks, counts, strict=True))
    ]


def _prefix(predictor: TracePredictor, asks: Sequence[Ask], instructions: list[str]) -> Prefix:
    """One pass of the backbone over all pictures."""
    size_px = predictor.model.config.image_size_px
    statistics = predictor.model.statistics
    images = torch.cat([picture(ask.observation.image, size_px) for ask in asks])
    panels = [
        depth_panel(ask.observation, statistics, size_px) if predictor.use_depth else None for ask in asks
    ]
    if all(panel is None for panel in panels):
        return predictor.model.encode_prefix(images, instructions)
    hidden = torch.zeros(1, 3, size_px, size_px)
    depth = torch.cat([hidden if panel is None else panel for panel in panels])
    seen = torch.tensor([panel is not None for panel in panels])
    return predictor.model.encode_prefix(images, instructions, depth, seen)


def _stacked(singles: Sequence[Keypoints]) -> Keypoints:
    """One batch; missing keypoints are not valid, so that nothing looks at them."""
    longest = max(single.valid.shape[1] for single in singles)

    def grown(single: Keypoints, name: str) -> Tensor:
        value: Tensor = getattr(single, name)
        if name not in PADDED:
            return value
        behind = [0, 0] * (value.ndim - 2)
        return functional.pad(value, [*behind, 0, longest - value.shape[1]])

    names = [field.name for field in fields(Keypoints)]
    return Keypoints(**{name: torch.cat([grown(single, name) for single in singles]) for name in names})
