"""How far a method's path of the gripper is off where it matters: where the hand closes, and where it opens.

path       mean over the asked points and over all futures of the predicted displacement, from where they are
aim_xy     distance along the table of the path's lowest point from where the hand closes (approach, hover)
           or opens (carry, place) next: a controller without learning goes there
aim_height how much higher that point is than the true place
path_ade   mean distance from the true path over its known steps

1.5 cm of noise per axis at the grasp halves what such a controller solves (the simulator's scripted scenes).
The mean of futures is a blend; single futures scatter about it.

Entry points
    ask_gripper     methods x questions -> one row per method and question
    gripper_table   those -> one row per method, source and phase, with intervals
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from mu0.dataset.evaluation import EvaluationSample
from mu0.evaluation.phases.names import PHASES, Phase
from mu0.evaluation.statistics.bootstrap import bounds, resample_means
from mu0.evaluation.traces.keypoint_errors import in_metres
from mu0.evaluation.traces.predictions import Method, predict_all

ERRORS = ("aim_xy_m", "aim_height_m", "path_ade_m")
EVERYTHING = "all"
COLUMNS = ("method", "source", "phase", "n_moments", "n_episodes")


@dataclass(frozen=True)
class GripperQuestion:
    """One moment.

    Attributes:
        sample: Question and exact answer.
        phase: Of the moment.
        hand_m: Mean place of the asked points now, simulator's world.
        goal_m: The same when the hand closes or opens next.
        camera_from_world: Of the moment.
    """

    sample: EvaluationSample
    phase: Phase
    hand_m: Float[np.ndarray, " 3"]
    goal_m: Float[np.ndarray, " 3"]
    camera_from_world: Float[np.ndarray, "4 4"]


def ask_gripper(
    methods: Sequence[Method], questions: Sequence[GripperQuestion], n_samples: int, seed: int
) -> pd.DataFrame:
    """One row per method and question: method, episode_id, source, phase and `ERRORS`.

    Raises:
        PredictionError: A method gave an unusable answer.
    """
    if not questions:
        return pd.DataFrame(columns=["method", "episode_id", "source", "phase", *ERRORS])
    samples = [question.sample for question in questions]
    borders = np.cumsum([0, *(len(sample.valid) for sample in samples)])
    anchor = np.concatenate([sample.queries.anchor_uvz for sample in samples]).astype(np.float64)
    anchor_m = in_metres(anchor[None, :, None], samples)[0]
    truth = in_metres(np.concatenate([sample.truth_uvz for sample in samples])[None], samples)[0] - anchor_m
    rows = []
    for method in methods:
        said = predict_all(method, samples, n_samples, seed)
        away = in_metres(said.uvz, samples).mean(0) - anchor_m
        for place, question in enumerate(questions):
            own = slice(int(borders[place]), int(borders[place + 1]))
            key: dict[str, Any] = {"method": method.name, "episode_id": question.sample.episode_id}
            key |= {"source": question.sample.source, "phase": question.phase}
            rows.append(key | path_errors(question, away[own].mean(0), truth[own].mean(0)))
    return pd.DataFrame(rows)


def path_errors(
    question: GripperQuestion, away_m: Float[np.ndarray, "step 3"], true_away_m: Float[np.ndarray, "step 3"]
) -> dict[str, float]:
    """Errors of one path.

    Args:
        question: The moment.
        away_m: Predicted displacement of the gripper after each step, in the anchor's camera.
        true_away_m: The true one; read where the question's truth is known.
    """
    path_m = question.hand_m + away_m @ question.camera_from_world[:3, :3]
    lowest = path_m[path_m[:, 2].argmin()]
    known = question.sample.valid.any(0)
    off_m = np.linalg.norm(away_m - true_away_m, axis=-1)[known]
    return {
        "aim_xy_m": float(np.linalg.norm(lowest[:2] - question.goal_m[:2])),
        "aim_height_m": float(lowest[2] - question.goal_m[2]),
        "path_ade_m": float(off_m.mean()),
    }


def gripper_table(
    errors: pd.DataFrame, *, seed: int, n_resamples: int, apart: Sequence[str] = ()
) -> pd.DataFrame:
    """Means with 95 % intervals over episodes, pooled sources first; empty without questions.

    Args:
        errors: Of `ask_gripper`.
        seed: Of the resampling.
        n_resamples: How often the episodes are drawn.
        apart: Sources that are not pooled.
    """
    rows = []
    for source in [EVERYTHING, *sorted(errors["source"].unique())] if len(errors) else []:
        is_own = errors["source"] == source
        chosen = errors[~errors["source"].isin(list(apart)) if source == EVERYTHING else is_own]
        for phase in PHASES:
            for method, part in chosen[chosen["phase"] == phase].groupby("method", sort=False):
                drawn = resample_means(
                    part[list(ERRORS)].to_numpy(np.float64),
                    part["episode_id"].to_numpy(),
                    seed=seed,
                    n_resamples=n_resamples,
                )
                low, high = bounds(drawn.draws)
                row: dict[str, Any] = {"method": method, "source": source, "phase": phase}
                row |= {"n_moments": len(part), "n_episodes": part["episode_id"].nunique()}
                for place, name in enumerate(ERRORS):
                    ends = {f"{name}_low": low[place], f"{name}_high": high[place]}
                    row |= {name: drawn.mean[place]} | ends
                rows.append(row)
    return pd.DataFrame(rows, columns=None if rows else [*COLUMNS, *ERRORS])


def gripper_metrics(table: pd.DataFrame, names: dict[str, str]) -> dict[str, float]:
    """`METHOD_gripper_alone_PHASE_ERROR` of all sources."""
    return {
        f"{names.get(str(row['method']), row['method'])}_gripper_alone_{row['phase']}_{name}": float(
            row[name]
        )
        for row in table[table["source"] == EVERYTHING].to_dict("records")
        for name in ERRORS
    }
