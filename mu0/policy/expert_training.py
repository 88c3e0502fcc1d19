"""What one training step of the action expert sees and minimises.

    loss = the variant's own of the chunk + KEYFRAME_WEIGHT * L1 of the keyframe, where there is one

Where the place of the tool is known in metres, half of every batch are frames from which the hand still has
far to go; not the one that closes it, whose picture tells nothing of the release that comes next.

Everything random follows from (seed, step): step 700 draws the same rows, shifts and noise whether training
ran through or was resumed, and all variants see the same rows in the same order.
"""

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from mu0.policy.action_expert import AbstractExpert, PolicyInputs
from mu0.policy.demonstrations import HALF, DemonstrationFrames
from mu0.policy.embodiment import Embodiment
from mu0.policy.front_encoder import Picture
from mu0.policy.frozen_features import FrozenFeatures
from mu0.policy.normalization import PolicyNormalization, in_told_units
from mu0.policy.vocabulary import encode_words
from mu0.policy.wrist_encoder import random_shift

Sentences: TypeAlias = tuple[Int[Tensor, "n t"], Bool[Tensor, "n t"]]
"""Tokens of all instructions and their mask, for experts that learn to see by themselves."""
KEYFRAME_WEIGHT = 1.0
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
    keyframe: Float[Tensor, "b pose"]
    keyframe_valid: Bool[Tensor, " b"]


class ExpertData:
    """Demonstration rows, ready to be drawn: with frozen features, or with what else an expert is told.

    Args:
        frames: The rows; `told` is None for experts that are told nothing.
        features: Of the front pictures, for experts that look at them through a frozen network.
        normalization: Of the embodiment that the rows are of.
        vocabulary: Words that the expert knows.
        max_words: That it reads of an instruction.
        sentences: Tokens of the instructions, for experts that see by themselves.
    """

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
        self.wrist = frames.wrist  # mapped, as the others: rows are copied when drawn
        self.others = frames.others
        self.drawn = np.arange(len(frames.state)) if frames.drawn is None else frames.drawn
        self.state: Float[Tensor, "n state"] = torch.from_numpy(normalization.normalize_state(frames.state))
        self.words: Int[Tensor, "n max_words"] = torch.from_numpy(words[frames.instruction_id])
        chunk = normalization.normalize_actions(frames.chunk, frames.state)
        self.chunk: Float[Tensor, "n step action"] = torch.from_numpy(chunk)
        self.told = None if frames.told is None else torch.from_numpy(in_told_units(frames.told))
        self.tells_way = frames.tells_way
        embodiment = normalization.embodiment
        scale = np.array(embodiment.keyframe_scale, np.float32)[: embodiment.keyframe_dims]
        self.keyframe: Float[Tensor, "n pose"] = torch.from_numpy(
            (frames.keyframe / scale).astype(np.float32)
        )
        self.keyframe_valid: Bool[Tensor, " n"] = torch.from_numpy(np.array(frames.keyframe_valid))
        self.far = _far_rows(frames, embodiment)

    def __len__(self) -> int:
        return len(self.drawn)

    def batch(self, batch_size: int, seed: int, step: int) -> ExpertBatch:
        """The batch of a step; a function of its arguments alone."""
        rng = np.random.default_rng([seed, step])
        rows = self.drawn[rng.integers(0, len(self), batch_size)]
        if len(self.far):
            rows[: batch_size // 2] = rng.choice(self.far, batch_size // 2)
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        index = torch.from_numpy(rows)
        noise = STATE_NOISE * torch.randn(batch_size, self.state.shape[1], generator=generator)
        seen = [
            self._shifted(view, rows, generator) for view in (self.wrist, *self.others) if view is not None
        ]
        inputs = PolicyInputs(
            wrist=seen[0] if seen else None,
            state=self.state[index] + noise,
            words=self.words[index],
            front=None if self.features is None else self.features.rows(rows),
            others=torch.stack(seen[1:], dim=1) if len(seen) > 1 else None,
        )
        if self.sentences is not None:
            inputs = replace(inputs, picture=self._picture(rows, self.sentences, generator))
        elif self.told is not None:
            inputs = replace(inputs, told=self._told(self.told[index], generator))
        return ExpertBatch(inputs, self.chunk[index], self.keyframe[index], self.keyframe_valid[index])

    @staticmethod
    def _shifted(
        view: UInt8[np.ndarray, "n h w 3"], rows: Int[np.ndarray, " b"], generator: torch.Generator
    ) -> UInt8[Tensor, "b 3 h w"]:
        return random_shift(torch.from_numpy(view[rows]).permute(0, 3, 1, 2), generator)

    def _picture(
        self, rows: Int[np.ndarray, " b"], sentences: Sentences, generator: torch.Generator
    ) -> Picture:
        """Front pictures, shifted as those of the wrist are, and what they were told."""
        which = self.instruction_id[torch.from_numpy(rows)]
        return Picture(self._shifted(self.front, rows, generator), *(one[which] for one in sentences))

    def _told(self, told: Float[Tensor, "b 4"], generator: torch.Generator) -> Float[Tensor, "b 4"]:
        """Where the thing is, and for some rows how it is grasped: whoever acts knows that of long things.

        How far a thing is dragged, who acts always knows.
        """
        if self.tells_way:
            return told
        knows = torch.rand(len(told), 1, generator=generator) < TURN_SHARE
        return torch.cat([told[:, :2], told[:, 2:] * knows], dim=1)


def _far_rows(frames: DemonstrationFrames, embodiment: Embodiment) -> Int[np.ndarray, " far"]:
    """Rows far from the next grasp; none where nobody says where the tool is."""
    if not embodiment.tcp_m:
        return np.zeros(0, np.int64)
    is_far = np.linalg.norm(frames.keyframe[:, :2], axis=1) > FAR_M
    gripper = embodiment.grippers[0]  # of the commands, with which the state of our arm begins
    is_open = frames.state[:, gripper] < HALF
    stays_open = frames.chunk[:, 0, gripper] < HALF
    return np.flatnonzero(frames.keyframe_valid & is_far & is_open & stays_open)


def expert_loss(
    expert: AbstractExpert, batch: ExpertBatch, noise_draws: int, generator: torch.Generator
) -> dict[str, Float[Tensor, ""]]:
    """Loss to minimise (`loss`) and its parts; an expert without a keyframe has a keyframe loss of zero.

    Args:
        expert: In training mode.
        batch: From `ExpertData.batch`.
        noise_draws: Flow times and noises per row that share one context.
        generator: Draws them.

    Returns:
        `loss`, `action_loss` and `keyframe_loss`, which is 0 for variants that guess none.
    """
    action, guess = expert.losses(batch.inputs, batch.chunk, noise_draws, generator)
    if guess is None or not expert.config.keyframe_dims:
        return {"loss": action, "action_loss": action.detach(), "keyframe_loss": action.new_zeros(())}
    assert batch.keyframe.shape[1] == expert.config.keyframe_dims
    errors = (guess - batch.keyframe).abs().mean(dim=1)
    keyframe = (errors * batch.keyframe_valid).mean()
    total = action + KEYFRAME_WEIGHT * keyframe
    return {"loss": total, "action_loss": action.detach(), "keyframe_loss": keyframe.detach()}
