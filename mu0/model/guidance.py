"""How strongly samples follow the instruction (classifier-free guidance, arXiv:2207.12598).

A model that was trained with `text_dropout` knows the same scene with and without its instruction; the
sampler walks from the velocity without it through the one with it, `scale` times as far.
"""

from dataclasses import dataclass

from mu0.model.backbone import Prefix


@dataclass(frozen=True)
class Guidance:
    """`prefix` sees the same images and a neutral text; a scale of 1 leaves samples as they are."""

    prefix: Prefix
    scale: float
