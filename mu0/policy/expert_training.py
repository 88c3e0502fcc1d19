"""What one training step of the action expert sees and minimises.

    loss = the variant's own of the chunk + KEYFRAME_WEIGHT * L1 of the keyframe, where there is one

Half of every batch are frames from which the hand still has far to go; not the one that closes it, whose
picture tells nothing of the release that comes next.

Everything random follows from (seed, step): step 700 draws the same rows, shifts and noise whether training
ran through or was resumed, and all variants see the same rows in the same order.
"""

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from mu0.policy.action_expert import KEYFRAME_DIMS, AbstractExpert, PolicyInputs
from mu0.policy.demonstrations import GRIPPER, HALF, DemonstrationFrames
from mu0.policy.front_encoder import Picture
from mu0.policy.frozen_features import FrozenFeatures
from mu0.policy.normalization import PolicyNormalization, in_told_units
from mu0.policy.vocabulary import encode_words
from mu0.policy.wrist_encoder import random_shift

Sentences: TypeAlias = tuple[Int[Tensor, "n t"], Bool[Tensor, "n t"]]
"""Tokens of all instructions and their mask, for experts that learn to see by themselves."""
KEYFRAME_WEIGHT = 1.0
KEYFRAME_SCALE = (0.1, 0.1, 0.1, 0.5)
"""Metres and radians that count as one in the keyframe loss."""
FAR_M = 0.06
"""Frames farther than this from the next grasp say where to go; they are few and fill half of each batch."""
TURN_SHARE = 0.5
"""Of the rows of experts that are told of the thing: so many are told the turn of the grasp."""
STATE_NOISE = 0.01
"""Standard deviation added to the normalised state: the expert shall look, not integrate."""


@dataclass(frozen=True)
class ExpertBatch:
    """Inputs and targets of one step."""

    inputs: PolicyInputs
    chunk: Float[Tensor, "b step action"]
    keyframe: Float[Tensor, "b 4"]
    keyframe_valid: Bool[Tensor, " b"]


class ExpertData:
    """Demonstration rows, ready to be drawn: with frozen features, or with what else an expert is told."""

    def __init__(
        self,
        frames: DemonstrationFrames,
        features: FrozenFeatures | None,
        normalization: PolicyNormalization,
        vocabulary: tuple[str, ...],
        max_words: int,
        sentences: Sentences | None = None,
    ) -> None:
        words = np.stack([encode_words(text, vocabulary, max_words) for text in frames.instructions])
        self.features = features
        self.front: UInt8[np.ndarray, "n h w 3"] = frames.front
        self.sentences = sentences
        self.instruction_id = torch.from_numpy(np.array(frames.instruction_id))
        self.wrist: UInt8[np.ndarray, "n h w 3"] = frames.wrist  # mapped: rows are copied when drawn
        self.state: Float[Tensor, "n 9"] = torch.from_numpy(normalization.normalize_state(frames.state))
        self.words: Int[Tensor, "n max_words"] = torch.from_numpy(words[frames.instruction_id])
        chunk = normalization.normalize_actions(frames.chunk, frames.state)
        self.chunk: Float[Tensor, "n step action"] = torch.from_numpy(chunk)
        self.told: Float[Tensor, "n 4"] = torch.from_numpy(in_told_units(frames.told))
        scale = np.array(KEYFRAME_SCALE, np.float32)
        self.keyframe: Float[Tensor, "n 4"] = torch.from_numpy((frames.keyframe / scale).astype(np.float32))
        self.keyframe_valid: Bool[Tensor, " n"] = torch.from_numpy(np.array(frames.keyframe_valid))
        is_far = np.linalg.norm(frames.keyframe[:, :2], axis=1) > FAR_M
        is_open = frames.state[:, GRIPPER] < HALF
        stays_open = frames.chunk[:, 0, GRIPPER] < HALF
        self.far = np.flatnonzero(frames.keyframe_valid & is_far & is_open & stays_open)

    def __len__(self) -> int:
        return len(self.state)

    def batch(self, batch_size: int, seed: int, step: int) -> ExpertBatch:
        """The batch of a step; a function of its arguments alone."""
        rng = np.random.default_rng([seed, step])
        rows = rng.integers(0, len(self), batch_size)
        if len(self.far):
            rows[: batch_size // 2] = rng.choice(self.far, batch_size // 2)
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        index = torch.from_numpy(rows)
        noise = STATE_NOISE * torch.randn(batch_size, self.state.shape[1], generator=generator)
        inputs = PolicyInputs(
            wrist=random_shift(torch.from_numpy(self.wrist[rows]).permute(0, 3, 1, 2), generator),
            state=self.state[index] + noise,
            words=self.words[index],
            front=None if self.features is None else self.features.rows(rows),
        )
        if self.sentences is not None:
            inputs = replace(inputs, picture=self._picture(rows, self.sentences, generator))
        elif self.features is None:
            inputs = replace(inputs, told=self._told(index, generator))
        return ExpertBatch(inputs, self.chunk[index], self.keyframe[index], self.keyframe_valid[index])

    def _picture(
        self, rows: Int[np.ndarray, " b"], sentences: Sentences, generator: torch.Generator
    ) -> Picture:
        """Front pictures, shifted as those of the wrist are, and what they were told."""
        pixels = torch.from_numpy(self.front[rows]).permute(0, 3, 1, 2)
        which = self.instruction_id[torch.from_numpy(rows)]
        return Picture(random_shift(pixels, generator), *(one[which] for one in sentences))

    def _told(self, index: Int[Tensor, " b"], generator: torch.Generator) -> Float[Tensor, "b 4"]:
        """Where the thing is, and for some rows how it is grasped: whoever acts knows that of long things."""
        knows = torch.rand(len(index), 1, generator=generator) < TURN_SHARE
        told = self.told[index]
        return torch.cat([told[:, :2], told[:, 2:] * knows], dim=1)


def expert_loss(
    expert: AbstractExpert, batch: ExpertBatch, noise_draws: int, generator: torch.Generator
) -> dict[str, Float[Tensor, ""]]:
    """Loss to minimise (`loss`) and its parts.

    Args:
        expert: In training mode.
        batch: From `ExpertData.batch`.
        noise_draws: Flow times and noises per row that share one context.
        generator: Draws them.

    Returns:
        `loss`, `action_loss` and `keyframe_loss`, which is 0 for variants that guess none.
    """
    action, guess = expert.losses(batch.inputs, batch.chunk, noise_draws, generator)
    if guess is None:
        return {"loss": action, "action_loss": action.detach(), "keyframe_loss": action.new_zeros(())}
    assert batch.keyframe.shape[1] == KEYFRAME_DIMS
    errors = (guess - batch.keyframe).abs().mean(dim=1)
    keyframe = (errors * batch.keyframe_valid).mean()
    total = action + KEYFRAME_WEIGHT * keyframe
    return {"loss": total, "action_loss": action.detach(), "keyframe_loss": keyframe.detach()}
