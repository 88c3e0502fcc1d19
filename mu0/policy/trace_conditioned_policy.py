"""A policy: frozen world model -> features -> action expert -> a chunk of absolute actions.

The normalisation that training used is undone here with the very numbers that lie beside the weights. Limits
of the workspace are the environment's business: it clips what it is told.
"""

from pathlib import Path

import numpy as np
import torch

from mu0.errors import PolicyError
from mu0.interfaces import AbstractPolicy
from mu0.model.checkpoint import load_checkpoint
from mu0.policy.action_expert import ActionExpert, Context, PolicyInputs
from mu0.policy.checkpoint import ActionExpertCheckpoint, load_action_expert
from mu0.policy.flow import integrate
from mu0.policy.trace_features import FeatureExtractor
from mu0.policy.vocabulary import encode_words
from mu0.records import ActionChunk, Observation

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
    """The UR3 policy, both variants."""

    def __init__(self, checkpoint: ActionExpertCheckpoint, extractor: FeatureExtractor) -> None:
        self._checkpoint = checkpoint
        self.extractor = extractor
        self._generator = torch.Generator()

    @classmethod
    def load(cls, folder: Path, world_model_folder: Path) -> "TraceConditionedPolicy":
        """Load an action expert together with its world model.

        Raises:
            CheckpointError: Either is missing or damaged, or they do not belong together.
        """
        checkpoint = load_action_expert(folder, world_model_folder)
        world_model = load_checkpoint(world_model_folder)
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

    @torch.inference_mode()
    def predict_action_chunk(self, observation: Observation) -> ActionChunk:
        """Absolute actions in the base frame.

        Raises:
            PolicyError: The observation lacks the wrist image or the state.
        """
        expert, wrist, state = self._checkpoint.expert, observation.wrist_image, observation.proprioception
        if wrist is None or state is None:
            raise PolicyError(
                "The observation has no wrist image or no robot state.",
                expected="an observation of the UR3: front image, wrist image, state of nine numbers",
                remedy="use Ur3Environment, or fill `wrist_image` and `proprioception` of the Observation.",
            )
        features = self.extractor(observation.image[None], [observation.instruction])
        prefix, mask, trace, feature_map = features.rows(np.arange(1))
        words = encode_words(observation.instruction, expert.config.vocabulary, expert.config.max_words)
        normalization = self._checkpoint.normalization
        inputs = PolicyInputs(
            prefix=prefix,
            prefix_mask=mask,
            trace=trace,
            feature_map=feature_map,
            wrist=torch.from_numpy(np.ascontiguousarray(wrist)).permute(2, 0, 1)[None],
            state=torch.from_numpy(normalization.normalize_state(state))[None],
            words=torch.from_numpy(words)[None],
        )
        normalized = plan_normalized(expert, expert.encode(inputs), self._generator)[0].numpy()
        return ActionChunk(normalization.denormalize_actions(normalized, state), RATE_HZ)
