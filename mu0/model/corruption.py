"""What training hides from the model, so that it can do without: depth, past, text, image, or all of 3D.

Every choice is made per image (the past also per keypoint) and comes from the step's generator. An option
that is off draws nothing, so switching it on never changes the random numbers of the others' default.

Options of the config, all shares of images
    depth_dropout         depth panel hidden; `depth_dropout_whole_batch` decides once per batch
    history_dropout       past hidden; `keypoint_history_dropout` of the remaining keypoints on top
    anchor_depth_dropout  depth of the keypoints hidden, in models that take it
    text_dropout          instruction replaced by the neutral one, which guidance needs (arXiv:2207.12598)
    image_dropout         image hidden: its tokens are masked, its features are zero
    two_d_share           image treated like one of a 2-D episode: no z anywhere, so u and v alone are learned
                          (TraceGen's mixture, arXiv:2511.21690, uses 20 %)
"""

import dataclasses

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mu0.dataset.batch import TraceBatch
from mu0.model.config import WorldModelConfig
from mu0.model.suffix import Keypoints

NEUTRAL_INSTRUCTION = ""


def corrupt(config: WorldModelConfig, batch: TraceBatch, generator: torch.Generator) -> TraceBatch:
    """The batch with some instructions and all depth of some images taken away."""
    n_images = len(batch.image)
    if config.two_d_share > 0:
        batch = as_two_d(batch, torch.rand(n_images, generator=generator) < config.two_d_share)
    if config.text_dropout > 0:
        dropped = torch.rand(n_images, generator=generator) < config.text_dropout
        texts = [
            NEUTRAL_INSTRUCTION if is_dropped else text
            for text, is_dropped in zip(batch.instructions, dropped.tolist(), strict=True)
        ]
        batch = dataclasses.replace(batch, instructions=texts)
    return batch


def as_two_d(batch: TraceBatch, chosen: Bool[Tensor, " b"]) -> TraceBatch:
    """The batch as if the `chosen` images came from episodes without depth."""
    chosen = chosen.to(batch.image.device)
    gone = torch.zeros(len(chosen), 3, dtype=torch.bool, device=chosen.device)
    gone[:, 2] = chosen
    known = ~chosen if batch.has_depth_axis is None else batch.has_depth_axis & ~chosen
    return dataclasses.replace(
        batch,
        anchor_uvz=batch.anchor_uvz.masked_fill(gone[:, None], 0.0),
        history=batch.history.masked_fill(gone[:, None, None], 0.0),
        future=batch.future.masked_fill(gone[:, None, None], 0.0),
        depth_valid=None if batch.depth_valid is None else batch.depth_valid & ~chosen,
        has_depth_axis=known,
    )


def kept_depth(
    config: WorldModelConfig, batch: TraceBatch, generator: torch.Generator, *, training: bool
) -> tuple[Float[Tensor, "b 3 s s"] | None, Bool[Tensor, " b"] | None]:
    """The depth panels that may be looked at; none at all costs nothing."""
    n_rolls = 1 if config.depth_dropout_whole_batch else len(batch.image)
    kept = torch.rand(n_rolls, generator=generator) >= config.depth_dropout
    if batch.depth_panel is None or batch.depth_valid is None:
        return None, None
    if not training:
        return batch.depth_panel, batch.depth_valid
    depth_valid = batch.depth_valid & kept.to(batch.image.device)
    return (batch.depth_panel, depth_valid) if depth_valid.any() else (None, None)


def kept_images(
    config: WorldModelConfig, batch: TraceBatch, generator: torch.Generator, *, training: bool
) -> Bool[Tensor, " b"] | None:
    """Which images may be looked at; None means all."""
    if config.image_dropout == 0 or not training:
        return None
    return (torch.rand(len(batch.image), generator=generator) >= config.image_dropout).to(batch.image.device)


def kept_anchor_depth(
    config: WorldModelConfig, keypoints: Keypoints, generator: torch.Generator, *, training: bool
) -> Keypoints:
    """The keypoints with the depth of all anchors of some images hidden from the network."""
    if not (config.anchor_depth and training):
        return keypoints
    kept = torch.rand(len(keypoints.uv), generator=generator) >= config.anchor_depth_dropout
    return dataclasses.replace(keypoints, depth_visible=kept.to(keypoints.uv.device))


def kept_history(
    config: WorldModelConfig,
    keypoints: Keypoints,
    generator: torch.Generator,
    *,
    training: bool,
    hide_history: bool,
) -> Keypoints:
    """The keypoints with the past of some images, and of single keypoints, hidden."""
    n_images, n_queries = keypoints.valid.shape
    image_kept = torch.rand(n_images, 1, generator=generator) >= config.history_dropout
    single_kept = torch.rand(n_images, n_queries, generator=generator) >= config.keypoint_history_dropout
    kept = (image_kept & single_kept).to(keypoints.uv.device)
    if hide_history:
        kept = torch.zeros_like(kept)
    elif not training:
        kept = torch.ones_like(kept)
    return dataclasses.replace(keypoints, history_visible=keypoints.history_visible & kept[..., None])
