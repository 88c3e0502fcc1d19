"""Section `promotion`: what a model must show before it becomes champion."""

from mu0.params.section import Section


class PromotionParams(Section):
    """Gates."""

    registry_prefix: str = "mu0"
