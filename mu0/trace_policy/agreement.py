"""One goal out of several samples, or none: a policy abstains when its traces disagree.

The goal of the sample that lies nearest to all others is the judge. A share of all samples must end beside
it, those that never meet the target counting against it; the goal is the mean of those that do. How the tool
is turned there is read from small distances between keypoints, so samples that agree on the place often do
not agree on the yaw: then the tool keeps its own.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mu0.trace_policy.embodiment import half_turn


@dataclass(frozen=True)
class AgreementSetting:
    """What counts as the same goal, and how many samples must have it.

    `places_within_m`: the same for places that are read from the target's path (`PlanSetting.place_at`),
    whose mean over several questions is nearer than each of them.
    """

    within_m: float = 0.05
    places_within_m: float = 0.10
    within_rad: float = 0.4
    share: float = 0.6


@dataclass(frozen=True)
class Agreed:
    """The common goal (x, y, z [m], yaw [rad]), and the sample that stands for it."""

    goal: Float[np.ndarray, " 4"]
    sample: int


def agree(
    goals: list[Float[np.ndarray, " 4"] | None], setting: AgreementSetting, yaw_now: float = 0.0
) -> Agreed | None:
    """The common goal of all samples, with `yaw_now` if only the yaw differs; None if there is none."""
    samples = [sample for sample, goal in enumerate(goals) if goal is not None]
    if not samples:
        return None
    known = np.stack([goal for goal in goals if goal is not None])
    apart_m = np.linalg.norm(known[:, None, :3] - known[None, :, :3], axis=-1)
    apart_rad = half_turn(known[:, None, 3] - known[None, :, 3])
    middle = int((apart_m / setting.within_m + np.abs(apart_rad) / setting.within_rad).sum(axis=1).argmin())
    near = apart_m[middle] <= setting.within_m
    if near.sum() < setting.share * len(goals):
        return None
    alike = near & (np.abs(apart_rad[middle]) <= setting.within_rad)
    is_sure = alike.sum() >= setting.share * len(goals)
    yaw = known[middle, 3] + apart_rad[alike, middle].mean() if is_sure else yaw_now
    return Agreed(np.array([*known[near, :3].mean(axis=0), yaw]), samples[middle])
