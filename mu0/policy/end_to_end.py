"""An action expert that learns to see by itself: variant `end_to_end`.

The encoder of the front picture has μ0's architecture and starts from random weights; demonstrations train it
together with the expert. It never saw a trace, so beside `no_trace` it tells what traces taught the encoder.

Source
    The paper's comparison without pretraining (reference/mu0.md §8).
"""

from dataclasses import replace

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from mu0.model.world_model import TraceWorldModel
from mu0.policy.action_expert import ActionExpert, ActionExpertConfig, Context, PolicyInputs
from mu0.policy.front_encoder import FrontFeatures, Picture
from mu0.policy.trace_features import fine_map


class SeeingExpert(ActionExpert):
    """An action expert with a trainable encoder of its own.

    Args:
        config: Of the expert.
        untrained: Gives the encoder, its weights and its picture size (`trace_features.untrained_like`).
    """

    def __init__(self, config: ActionExpertConfig, untrained: TraceWorldModel) -> None:
        super().__init__(config)
        self.eyes = untrained.backbone.requires_grad_(requires_grad=True)
        self._side_px = untrained.config.image_size_px
        self._trace_width = untrained.config.expert_width

    def encode(self, inputs: PolicyInputs) -> Context:
        """Look, then as every expert."""
        assert inputs.picture is not None, "this expert takes pictures, not features of them"
        return super().encode(replace(inputs, front=self._look(inputs.picture)))

    def _look(self, picture: Picture) -> FrontFeatures:
        image: Float[Tensor, "b 3 s s"] = picture.pixels.float() / 255
        if image.shape[-2:] != (self._side_px, self._side_px):
            image = functional.interpolate(image, (self._side_px,) * 2, mode="bilinear", antialias=True)
        prefix = self.eyes(image, picture.tokens, picture.mask)
        no_traces = image.new_zeros(len(image), self.config.trace_len, self._trace_width)
        return FrontFeatures(
            prefix.hidden * prefix.mask[..., None], prefix.mask, no_traces, fine_map(prefix).float()
        )
