"""Errors of planned actions: per dimension and step in the dataset's units, beside those who do not look.

    mean absolute error   of a dimension, over windows and steps; of each step; of the open-loop replay
    in spreads            the same over the spread of the commands that were learnt from, so that radians and
                          metres may be averaged: 0 is perfect, 1 a whole standard deviation
    gripper F1            of being on the upper half of its way, over windows and steps

Intervals draw whole episodes with replacement. With one held-out episode there is no such thing, and none is
told (null): the numbers then describe this recording and promise nothing about another one.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from mu0.evaluation.policies.held_out_actions import METHODS, Windows
from mu0.evaluation.statistics.bootstrap import (
    Interval,
    bootstrap_mean,
    bounds,
    paired_bootstrap,
    resample_means,
)
from mu0.policy.embodiment import Embodiment

TRIVIAL = METHODS[1:]
Score = dict[str, Any]


def score_actions(windows: Windows, robot: Embodiment, spread: Float[np.ndarray, " action"]) -> Score:
    """All numbers of a report on held-out actions.

    Args:
        windows: Planned and recorded.
        robot: Names the dimensions.
        spread: Of each action in training, with the embodiment's floors.

    Returns:
        `in_spreads`, `per_dimension`, `per_step`, `replay`, `gripper_f1`; nulls where nothing is known.
    """
    errors = {name: np.abs(windows.planned[name] - windows.recorded) for name in METHODS}
    scaled = {name: error / spread for name, error in errors.items()}
    return {
        "n_windows": len(windows.recorded),
        "n_episodes": len(np.unique(windows.episode)),
        "in_spreads": _compared(windows, scaled, partial(np.mean, axis=(1, 2))),
        "per_dimension": {
            name: _compared(windows, errors, partial(_of_dimension, i))
            for i, name in enumerate(robot.action_names)
        },
        "per_step": {
            method: {
                "in_spreads": scaled[method].mean(axis=(0, 2)).tolist(),
                "by_dimension": dict(
                    zip(robot.action_names, errors[method].mean(axis=0).T.tolist(), strict=True)
                ),
            }
            for method in METHODS
        },
        "replay": _replay(windows, errors, scaled, robot),
        "gripper_f1": _gripper_f1(windows, robot) if robot.grippers else None,
    }


def _of_dimension(number: int, error: Float[np.ndarray, "n step action"]) -> Float[np.ndarray, " n"]:
    return error[:, :, number].mean(axis=1)


def _compared(
    windows: Windows,
    errors: dict[str, Float[np.ndarray, "n step action"]],
    mean_of: Callable[[Float[np.ndarray, "n step action"]], Float[np.ndarray, " n"]],
) -> Score:
    """Each method's mean, and what the policy has less (negative) or more than those who do not look."""
    values = {name: mean_of(error) for name, error in errors.items()}
    found = {name: _told(bootstrap_mean(value, windows.episode)) for name, value in values.items()}
    paired = {
        f"policy_minus_{name}": _told(paired_bootstrap(values["policy"], values[name], windows.episode))
        for name in TRIVIAL
    }
    return found | paired


def _told(found: Interval) -> Score:
    """A mean, and its interval where several episodes tell of one."""
    is_known = found.n_clusters > 1
    return {
        "mean": found.mean,
        "low": found.low if is_known else None,
        "high": found.high if is_known else None,
    }


def _replay(
    windows: Windows,
    errors: dict[str, Float[np.ndarray, "n step action"]],
    scaled: dict[str, Float[np.ndarray, "n step action"]],
    robot: Embodiment,
) -> Score:
    """Mean absolute error where each recorded command has one planned beside it."""
    own = windows.replayed
    return {
        "n_commands": int(own.sum()) * windows.recorded.shape[1],
        "in_spreads": {name: float(scaled[name][own].mean()) for name in METHODS},
        "per_dimension": {
            dimension: {name: float(errors[name][own][..., i].mean()) for name in METHODS}
            for i, dimension in enumerate(robot.action_names)
        },
    }


def _gripper_f1(windows: Windows, robot: Embodiment) -> Score:
    """F1 of each gripper, and of all together; null where neither the robot nor a plan ever closed one."""
    truth = robot.closed(windows.recorded)
    planned = {name: robot.closed(windows.planned[name]) for name in METHODS}
    names = [robot.action_names[i] for i in robot.grippers]
    every = {"all": slice(None)} | {name: slice(i, i + 1) for i, name in enumerate(names)}
    return {
        name: {
            method: _f1(planned[method][..., which], truth[..., which], windows.episode) for method in METHODS
        }
        for name, which in every.items()
    }


def _f1(
    planned: Bool[np.ndarray, "n step gripper"],
    truth: Bool[np.ndarray, "n step gripper"],
    episode: np.ndarray,
) -> Score:
    """Twice the agreement over all that either says; resampled by episode as a ratio of means."""
    both = (planned & truth).sum(axis=(1, 2))
    either = planned.sum(axis=(1, 2)) + truth.sum(axis=(1, 2))
    if not either.sum():
        return {"mean": None, "low": None, "high": None}
    found = resample_means(np.stack([both, either], axis=1).astype(np.float64), episode)
    mean = float(2 * found.mean[0] / found.mean[1])
    known = found.draws[found.draws[:, 1] > 0]
    if len(np.unique(episode)) < 2 or len(known) < len(found.draws):
        return {"mean": mean, "low": None, "high": None}
    low, high = bounds(2 * known[:, :1] / known[:, 1:])
    return {"mean": mean, "low": float(low[0]), "high": float(high[0])}
