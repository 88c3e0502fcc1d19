"""Section `promotion`: names in the registry."""

from typing import Literal

from pydantic import Field

from mu0.params.section import Section


class PromotionParams(Section):
    """What is promoted; the gates themselves are in orchestration/promotion/gates.py."""

    registry_prefix: str = Field("mu0", pattern=r"^[a-z0-9-]+$", description="`mu0` gives `mu0-world-model`.")
    action_expert_variant: Literal["mu0", "no_trace", "grounded"] = Field(
        "mu0", description="Which one becomes the policy."
    )
