"""A policy: frozen world model -> features or a place -> action expert -> a chunk of absolute actions.

The normalisation that training used is undone here with the very numbers that lie beside the weights. Limits
of the workspace are the environment's business: it clips what it is told.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8

from mu0.errors import PolicyError
from mu0.interfaces import AbstractPolicy
from mu0.model.checkpoint import load_checkpoint
from mu0.model.predictor import TracePredictor
from mu0.model.tokenizer import CaptionTokenizer
from mu0.policy.action_expert import PolicyInputs
from mu0.policy.checkpoint import ActionExpertCheckpoint, load_action_expert
from mu0.policy.devices import on_device
from mu0.policy.front_encoder import Picture
from mu0.policy.named_place import NamedPlace
from mu0.policy.normalization import in_told_units
from mu0.policy.trace_features import FeatureExtractor
from mu0.policy.vocabulary import encode_words
from mu0.records import ActionChunk, Observation
from mu0.trace_policy.named_finder import NamedFinder
from mu0.trace_policy.view import CalibratedView

RATE_HZ = 10.0
CPU = torch.device("cpu")


class TraceConditionedPolicy(AbstractPolicy):
    """The UR3 policy, every variant.

    Args:
        checkpoint: The expert.
        extractor: Takes features of the front picture, for experts that look at it through another network.
        place: Says where the named thing is, for experts that are told.
        tokenizer: Of sentences, for experts that see by themselves.
    """

    def __init__(
        self,
        checkpoint: ActionExpertCheckpoint,
        extractor: FeatureExtractor | None = None,
        place: NamedPlace | None = None,
        tokenizer: CaptionTokenizer | None = None,
    ) -> None:
        self._checkpoint = checkpoint
        self.extractor, self._place, self._tokenizer = extractor, place, tokenizer
        self._generator = torch.Generator()

    @classmethod
    def load(
        cls,
        folder: Path,
        world_model_folder: Path,
        view: Callable[[], CalibratedView | None] = lambda: None,
        device: torch.device = CPU,
    ) -> "TraceConditionedPolicy":
        """Load an action expert together with its world model.

        Args:
            folder: Of the expert.
            world_model_folder: Of the world model that it was trained on.
            view: The calibrated front camera of a moment; experts that look at the picture need none.
            device: Where expert and features are computed; what is named is looked for on the CPU.

        Raises:
            CheckpointError: Either is missing or damaged, or they do not belong together.
        """
        checkpoint = load_action_expert(folder, world_model_folder)
        checkpoint.expert.to(device)
        world_model = load_checkpoint(world_model_folder)
        if checkpoint.expert.config.is_told:
            return cls(checkpoint, place=NamedPlace(NamedFinder(TracePredictor(world_model)), view))
        if checkpoint.expert.config.is_seeing:
            return cls(checkpoint, tokenizer=world_model.tokenizer)
        with_trace = checkpoint.expert.config.variant == "mu0"
        return cls(
            checkpoint, FeatureExtractor(world_model.to(device), checkpoint.features, with_trace=with_trace)
        )

    @property
    def front_size_px(self) -> tuple[int, int]:
        """Height and width of the front pictures that the expert was trained on."""
        meta = self._checkpoint.meta
        return int(meta["front_height_px"]), int(meta["front_width_px"])

    @property
    def state_dim(self) -> int:
        """How many numbers the robot's state has."""
        return self._checkpoint.expert.config.state_dim

    def reset(self, seed: int) -> None:
        """Start an episode; the noise of all its plans follows from `seed`."""
        self._generator.manual_seed(seed)
        if self._place is not None:
            self._place.reset()

    @torch.inference_mode()
    def predict_action_chunk(self, observation: Observation) -> ActionChunk:
        """Absolute actions in the base frame.

        Raises:
            PolicyError: The observation lacks the wrist image or the state.
            UncalibratedCameraError: The expert is told a place, and the camera is not calibrated.
            UnknownObjectError: It is told a place, and nothing is called as the instruction says.
        """
        expert, wrist, state = self._checkpoint.expert, observation.wrist_image, observation.proprioception
        if wrist is None or state is None:
            raise PolicyError(
                "The observation has no wrist image or no robot state.",
                expected="an observation of the UR3: front image, wrist image, state of nine numbers",
                remedy="use Ur3Environment, or fill `wrist_image` and `proprioception` of the Observation.",
            )
        words = encode_words(observation.instruction, expert.config.vocabulary, expert.config.max_words)
        normalization = self._checkpoint.normalization
        inputs = PolicyInputs(
            wrist=_batch_of_one(wrist),
            state=torch.from_numpy(normalization.normalize_state(state))[None],
            words=torch.from_numpy(words)[None],
        )
        inputs = on_device(self._with_scene(inputs, observation), next(expert.parameters()).device)
        normalized = expert.plan(inputs, self._generator)[0].cpu().numpy()
        return ActionChunk(normalization.denormalize_actions(normalized, state), RATE_HZ)

    def _with_scene(self, inputs: PolicyInputs, observation: Observation) -> PolicyInputs:
        """What is told of the named thing, the front picture, or features of it."""
        if self._place is not None:
            told = torch.from_numpy(in_told_units(self._place(observation)))
            return replace(inputs, told=told[None])
        if self._tokenizer is not None:
            sentence = self._tokenizer([observation.instruction])
            return replace(inputs, picture=Picture(_batch_of_one(observation.image), *sentence))
        assert self.extractor is not None, "an expert looks at the picture or is told of the thing"
        features = self.extractor(observation.image[None], [observation.instruction])
        return replace(inputs, front=features.rows(np.arange(1)))


def _batch_of_one(image: UInt8[np.ndarray, "h w 3"]) -> UInt8[torch.Tensor, "1 3 h w"]:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]
