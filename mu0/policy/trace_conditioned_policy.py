"""A policy: frozen world model -> features or a place -> action expert -> a chunk of actions.

The normalisation that training used is undone here with the very numbers that lie beside the weights, and
commands keep to the limits that the embodiment knows. The UR3's has none: its environment clips what it is
told. An expert of variant `stems` looks at the pictures itself; there is no world model then.
"""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from mu0.interfaces import AbstractPolicy
from mu0.model.checkpoint import load_checkpoint
from mu0.model.predictor import TracePredictor
from mu0.model.tokenizer import CaptionTokenizer
from mu0.policy.action_expert import PolicyInputs
from mu0.policy.checkpoint import ActionExpertCheckpoint, load_action_expert
from mu0.policy.devices import on_device
from mu0.policy.embodiment import Embodiment, EmbodimentError
from mu0.policy.embodiment_fit import pictures_of, require_same
from mu0.policy.front_encoder import Picture
from mu0.policy.named_place import NamedPlace, named_place
from mu0.policy.normalization import in_told_units
from mu0.policy.pictures import batch_of_one, squared
from mu0.policy.redenoising import choose, require_scores
from mu0.policy.trace_features import FeatureExtractor
from mu0.policy.vocabulary import encode_words
from mu0.policy.wrist_encoder import WristEncoder
from mu0.records import ActionChunk, Observation
from mu0.trace_policy.view import CalibratedView

CPU = torch.device("cpu")


class TraceConditionedPolicy(AbstractPolicy):
    """The policy of any embodiment and every variant.

    Args:
        checkpoint: The expert.
        extractor: Takes features of the front picture, for experts that look at it through another network.
        place: Says where the named thing is, for experts that are told.
        tokenizer: Of sentences, for experts that see by themselves.
        best_of: Chunks to choose from at every plan (`redenoising`); 1 takes the first.

    Raises:
        PolicyError: There is a choice, but the expert's chunks cannot be compared.
    """

    def __init__(
        self,
        checkpoint: ActionExpertCheckpoint,
        extractor: FeatureExtractor | None = None,
        place: NamedPlace | None = None,
        tokenizer: CaptionTokenizer | None = None,
        *,
        best_of: int = 1,
    ) -> None:
        self._checkpoint = checkpoint
        self._compared = require_scores(checkpoint.expert) if best_of > 1 else None
        self._best_of = best_of
        self.extractor, self._place, self._tokenizer = extractor, place, tokenizer
        self._generator = torch.Generator()

    @classmethod
    def load(
        cls,
        folder: Path,
        world_model_folder: Path | None,
        view: Callable[[], CalibratedView | None] = lambda: None,
        device: torch.device = CPU,
        *,
        best_of: int = 1,
    ) -> "TraceConditionedPolicy":
        """Load an action expert together with its world model.

        Args:
            folder: Of the expert.
            world_model_folder: Of the world model that it was trained on; None for variant `stems`.
            view: The calibrated front camera of a moment; experts that look at the picture need none.
            device: Where expert and features are computed; what is named is looked for on the CPU.
            best_of: Chunks to choose from at every plan.

        Raises:
            CheckpointError: Either is missing or damaged, or they do not belong together.
            PolicyError: There is a choice, but the expert's chunks cannot be compared.
        """
        checkpoint = load_action_expert(folder, world_model_folder)
        checkpoint.expert.to(device)
        if checkpoint.expert.config.variant == "stems":
            return cls(checkpoint, best_of=best_of)
        assert world_model_folder is not None, "its identity was compared"
        world_model, config = load_checkpoint(world_model_folder), checkpoint.expert.config
        if config.is_seeing:
            return cls(checkpoint, tokenizer=world_model.tokenizer, best_of=best_of)
        place = extractor = None
        if config.is_told:
            place = named_place(checkpoint.arm, TracePredictor(world_model), view)
        if config.looks_through_encoder:
            seen = copy.deepcopy(world_model) if config.is_told and device != CPU else world_model
            extractor = FeatureExtractor(seen.to(device), checkpoint.features, with_trace=config.mixes_traces)
        return cls(checkpoint, extractor, place, best_of=best_of)

    @property
    def front_size_px(self) -> tuple[int, int]:
        """Height and width of the front pictures that the expert was trained on."""
        meta = self._checkpoint.meta
        return int(meta["front_height_px"]), int(meta["front_width_px"])

    @property
    def embodiment(self) -> Embodiment:
        """What its numbers mean."""
        return self._checkpoint.embodiment

    @property
    def task(self) -> str:
        """Of our arm, that it was trained for."""
        return self._checkpoint.arm.task

    @property
    def state_dim(self) -> int:
        """How many numbers the robot's state has."""
        return self.embodiment.state_dim

    def require_fit(self, robot: Embodiment, execute_steps: int) -> None:
        """Check before the first step that it may act on a robot.

        Args:
            robot: What the robot's numbers mean.
            execute_steps: Of each chunk, before it plans again.

        Raises:
            EmbodimentError: Actions, states, rate or cameras are others, or its chunks are too short.
        """
        require_same(self.embodiment, robot)
        chunk_len = self._checkpoint.expert.config.chunk_len
        if not 1 <= execute_steps <= chunk_len:
            raise EmbodimentError(
                f"The policy plans {chunk_len} steps, but {execute_steps} shall be executed.",
                expected=f"1 to {chunk_len} executed steps",
                remedy="lower ur3_report.execute_steps or raise action_expert.chunk_len in params.yaml.",
            )

    def require_task(self, task: str) -> None:
        """Check before the first step that it was trained for a task of our arm.

        Raises:
            EmbodimentError: It was trained for another one; two of them have equal numbers.
        """
        if self.task != task:
            raise EmbodimentError(
                f"The policy was trained for the task {self.task}; it shall act in {task}.",
                expected="a policy of the task",
                remedy=f"train one on demonstrations of {task}.",
            )

    def reset(self, seed: int) -> None:
        """Start an episode; the noise of all its plans follows from `seed`."""
        self._generator.manual_seed(seed)
        if self._place is not None:
            self._place.reset()

    @torch.inference_mode()
    def predict_action_chunk(self, observation: Observation) -> ActionChunk:
        """Actions as the demonstrations have them: of the UR3 absolute, in the base frame.

        Raises:
            EmbodimentError: The observation lacks a picture or the state, or they are of another robot.
            UncalibratedCameraError: The expert is told a place, and the camera is not calibrated.
            UnknownObjectError: It is told a place, and nothing is called as the instruction says.
        """
        expert, normalization = self._checkpoint.expert, self._checkpoint.normalization
        pictures, state = pictures_of(self.embodiment, observation), observation.proprioception
        assert state is not None, "it was looked for"
        looked_at = pictures if expert.config.variant == "stems" else pictures[1:]
        stems = [batch_of_one(squared(picture, WristEncoder.SIDE_PX)) for picture in looked_at]
        words = encode_words(observation.instruction, expert.config.vocabulary, expert.config.max_words)
        inputs = PolicyInputs(
            wrist=stems[0] if stems else None,
            state=torch.from_numpy(normalization.normalize_state(state))[None],
            words=torch.from_numpy(words)[None],
            others=torch.stack(stems[1:], dim=1) if len(stems) > 1 else None,
        )
        inputs = on_device(self._with_scene(inputs, observation), next(expert.parameters()).device)
        if self._compared is None:
            chosen = expert.plan(inputs, self._generator)[0]
        else:
            chosen = choose(self._compared, inputs, self._generator, self._best_of).chunk
        normalized = chosen.cpu().numpy()
        actions = normalization.denormalize_actions(normalized, state)
        return ActionChunk(self.embodiment.clipped(actions), self.embodiment.rate_hz)

    def _with_scene(self, inputs: PolicyInputs, observation: Observation) -> PolicyInputs:
        """What is told of the named thing, the front picture, or features of it."""
        if self._place is not None:
            told = torch.from_numpy(in_told_units(self._place(observation)))
            inputs = replace(inputs, told=told[None])
        if self._tokenizer is not None:
            sentence = self._tokenizer([observation.instruction])
            return replace(inputs, picture=Picture(batch_of_one(observation.image), *sentence))
        if self.extractor is None:
            return inputs
        features = self.extractor(observation.image[None], [observation.instruction])
        return replace(inputs, front=features.rows(np.arange(1)))
