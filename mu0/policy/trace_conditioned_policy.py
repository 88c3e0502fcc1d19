"""A policy: frozen world model -> features or a place -> action expert -> a chunk of absolute actions.

The normalisation that training used is undone here with the very numbers that lie beside the weights. Limits
of the workspace are the environment's business: it clips what it is told.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from mu0.errors import PolicyError
from mu0.interfaces import AbstractPolicy
from mu0.model.checkpoint import load_checkpoint
from mu0.model.predictor import TracePredictor
from mu0.policy.action_expert import ActionExpert, Context, PolicyInputs
from mu0.policy.checkpoint import ActionExpertCheckpoint, load_action_expert
from mu0.policy.flow import integrate
from mu0.policy.front_encoder import FrontFeatures
from mu0.policy.named_place import NamedPlace
from mu0.policy.normalization import in_place_units
from mu0.policy.trace_features import FeatureExtractor
from mu0.policy.vocabulary import encode_words
from mu0.records import ActionChunk, Observation
from mu0.trace_policy.named_finder import NamedFinder
from mu0.trace_policy.view import CalibratedView

RATE_HZ = 10.0


def plan_normalized(expert: ActionExpert, context: Context, generator: torch.Generator) -> torch.Tensor:
    """Normalised chunks, one per context: ten Euler steps from noise, or one pass of regression."""
    config = expert.config
    if config.objective == "l1":
        return expert.regress(context)
    n = len(context.condition)
    noise = torch.randn(n, config.chunk_len, config.action_dim, generator=generator)
    return integrate(lambda x, tau: expert.velocity(context, x, tau), noise, config.euler_steps)


class TraceConditionedPolicy(AbstractPolicy):
    """The UR3 policy, every variant.

    Args:
        checkpoint: The expert.
        extractor: Takes features of the front picture, for experts that look at it.
        place: Says where the named thing is, for experts that are told.
    """

    def __init__(
        self,
        checkpoint: ActionExpertCheckpoint,
        extractor: FeatureExtractor | None = None,
        place: NamedPlace | None = None,
    ) -> None:
        self._checkpoint = checkpoint
        self.extractor, self._place = extractor, place
        self._generator = torch.Generator()

    @classmethod
    def load(
        cls,
        folder: Path,
        world_model_folder: Path,
        view: Callable[[], CalibratedView | None] = lambda: None,
    ) -> "TraceConditionedPolicy":
        """Load an action expert together with its world model.

        Args:
            folder: Of the expert.
            world_model_folder: Of the world model that it was trained on.
            view: The calibrated front camera of a moment; experts that look at the picture need none.

        Raises:
            CheckpointError: Either is missing or damaged, or they do not belong together.
        """
        checkpoint = load_action_expert(folder, world_model_folder)
        world_model = load_checkpoint(world_model_folder)
        if checkpoint.expert.config.is_told_place:
            return cls(checkpoint, place=NamedPlace(NamedFinder(TracePredictor(world_model)), view))
        with_trace = checkpoint.expert.config.variant == "mu0"
        return cls(checkpoint, FeatureExtractor(world_model, checkpoint.features, with_trace=with_trace))

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
        front, place = self._seen(observation)
        words = encode_words(observation.instruction, expert.config.vocabulary, expert.config.max_words)
        normalization = self._checkpoint.normalization
        inputs = PolicyInputs(
            wrist=torch.from_numpy(np.ascontiguousarray(wrist)).permute(2, 0, 1)[None],
            state=torch.from_numpy(normalization.normalize_state(state))[None],
            words=torch.from_numpy(words)[None],
            front=front,
            place=place,
        )
        normalized = plan_normalized(expert, expert.encode(inputs), self._generator)[0].numpy()
        return ActionChunk(normalization.denormalize_actions(normalized, state), RATE_HZ)

    def _seen(self, observation: Observation) -> tuple[FrontFeatures | None, torch.Tensor | None]:
        """Features of the front picture, or where the named thing is."""
        if self._place is not None:
            return None, torch.from_numpy(in_place_units(self._place(observation)))[None]
        assert self.extractor is not None, "an expert looks at the picture or is told a place"
        features = self.extractor(observation.image[None], [observation.instruction])
        return features.rows(np.arange(1)), None
