"""What a method does with keypoints that rest: does it let them fly, and does it know which move?

    false motion   how far a resting keypoint gets from its place in the first future, at its farthest known
                   step; in metres, so of keypoints with known depth only
    AUROC          how well a method tells moving from resting keypoints of the same pictures: by its
                   P(moves) or, where it has none, by how far in the image it lets them go
    ECE            whether P(moves) means what it says

Moving are official keypoints that leave their place by more than the threshold of the report; those between
moving and resting count for neither. Errors of moving keypoints are measured on official questions.

Entry points
    ask_about_rest   one method, all questions
    resting_table    answers of all methods -> one row per method and source
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from mu0.dataset.resting_questions import MixedQuestion
from mu0.evaluation.statistics.ranking import auroc, calibration_error
from mu0.evaluation.traces.keypoint_errors import in_metres
from mu0.evaluation.traces.metrics import moving_points
from mu0.evaluation.traces.predictions import Method, predict_all

LEAVES_M = 0.03  # a resting keypoint that gets farther has left its place
EVERYTHING = "all"
COLUMNS = ("false_motion_m", "false_motion_share", "moves_auroc", "moves_ece")


@dataclass(frozen=True)
class RestingAnswers:
    """The first futures of one method: keypoints of all questions one after another."""

    name: str
    uvz: Float[np.ndarray, "n step 3"]
    moves: Float[np.ndarray, " n"] | None


def ask_about_rest(method: Method, questions: Sequence[MixedQuestion], seed: int) -> RestingAnswers:
    """One future of every keypoint.

    Raises:
        PredictionError: The method gave an unusable answer.
    """
    predictions = predict_all(method, [question.sample for question in questions], 1, seed)
    return RestingAnswers(method.name, predictions.uvz[0], predictions.moves)


def resting_table(
    answers: Sequence[RestingAnswers], questions: Sequence[MixedQuestion], moving_threshold_uv: float
) -> pd.DataFrame:
    """One row per method and source, all sources first; empty without questions.

    Columns: method, source, n_resting, n_moving, says (whether it has a P(moves)) and `COLUMNS`.
    """
    if not questions:
        return pd.DataFrame(columns=["method", "source", "n_resting", "n_moving", "says", *COLUMNS])
    samples = [question.sample for question in questions]
    counts = [len(sample.valid) for sample in samples]
    source = np.repeat([sample.source for sample in samples], counts)
    has_depth = np.repeat([sample.is_3d for sample in samples], counts)
    rests = np.concatenate([question.rests for question in questions])
    valid = np.concatenate([sample.valid for sample in samples])
    anchor = np.concatenate([sample.queries.anchor_uvz for sample in samples])
    truth = np.concatenate([sample.truth_uvz for sample in samples])
    moving = ~rests & moving_points(truth, anchor, valid, moving_threshold_uv)
    anchor_m = in_metres(anchor[None, :, None].astype(np.float64), samples)[0]
    rows = []
    for one in answers:
        away_uv = _farthest(one.uvz[..., :2] - anchor[:, None, :2], valid)
        away_m = _farthest(in_metres(one.uvz[None], samples)[0] - anchor_m, valid)
        for name in (EVERYTHING, *sorted(set(source))):
            chosen = np.ones_like(rests) if name == EVERYTHING else source == name
            judged = chosen & (rests | moving)
            still_m = away_m[chosen & rests & has_depth]
            row: dict[str, Any] = {"method": one.name, "source": name, "says": one.moves is not None}
            row |= {"n_resting": int((chosen & rests).sum()), "n_moving": int((chosen & moving).sum())}
            row |= _scores(still_m, away_uv[judged], moving[judged], _chosen(one.moves, judged))
            rows.append(row)
    return pd.DataFrame(rows)


def _scores(
    still_m: Float[np.ndarray, " n"],
    away_uv: Float[np.ndarray, " k"],
    moving: Bool[np.ndarray, " k"],
    moves: Float[np.ndarray, " k"] | None,
) -> dict[str, float]:
    nothing = float("nan")
    return {
        "false_motion_m": float(np.median(still_m)) if len(still_m) else nothing,
        "false_motion_share": float((still_m > LEAVES_M).mean()) if len(still_m) else nothing,
        "moves_auroc": auroc(away_uv if moves is None else moves, moving),
        "moves_ece": nothing if moves is None else calibration_error(moves, moving),
    }


def _chosen(moves: Float[np.ndarray, " n"] | None, chosen: Bool[np.ndarray, " n"]) -> np.ndarray | None:
    return None if moves is None else moves[chosen]


def _farthest(
    displacement: Float[np.ndarray, "n step d"], valid: Bool[np.ndarray, "n step"]
) -> Float[np.ndarray, " n"]:
    """Largest distance over the known steps."""
    return np.where(valid, np.linalg.norm(displacement, axis=-1), 0.0).max(axis=1, initial=0.0)
