"""The answers of one method on disk: every future, how long each took, and which questions they answer.

answers.npz   uvz (sample, keypoint, step, 3) float32, keypoints of all questions one after another;
              seconds (question)
resting.npz   of the questions that hold resting keypoints, too: uvz (keypoint, step, 3) of one future, and
              moves (keypoint) from methods that say what moves; missing where nothing rests
gripper.parquet   errors of the gripper's path, asked about alone; missing where nothing was simulated
facts.json    name, n_parameters, sees_history, n_samples, seed, digest of the questions, threads
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from jaxtyping import Float

from mu0.errors import StageError
from mu0.evaluation.traces.predictions import Predictions
from mu0.evaluation.traces.resting import RestingAnswers
from mu0.files import atomic_folder, read_json, write_json

ARRAYS, RESTING, GRIPPER, FACTS = "answers.npz", "resting.npz", "gripper.parquet", "facts.json"


@dataclass(frozen=True)
class Answers:
    """What `read_answers` gives back; as good as `Predictions` for measuring errors."""

    name: str
    uvz: Float[np.ndarray, "sample n step 3"]
    seconds: Float[np.ndarray, " question"]
    facts: dict[str, Any]
    resting: RestingAnswers | None = None
    gripper: pd.DataFrame | None = None


def write_answers(
    folder: Path,
    predictions: Predictions,
    facts: dict[str, Any],
    resting: RestingAnswers | None = None,
    gripper: pd.DataFrame | None = None,
) -> None:
    """Write the answers in one step."""
    method = predictions.method
    known = {"name": method.name, "n_parameters": method.n_parameters, "sees_history": method.sees_history}
    with atomic_folder(folder) as new:
        np.savez(new / ARRAYS, uvz=predictions.uvz.astype(np.float32), seconds=predictions.seconds)
        if resting is not None:
            said = {} if resting.moves is None else {"moves": resting.moves}
            np.savez(new / RESTING, uvz=resting.uvz.astype(np.float32), **said)
        if gripper is not None and len(gripper):
            gripper.to_parquet(new / GRIPPER, index=False)
        write_json(new / FACTS, known | facts)


def read_answers(folder: Path, digest: str) -> Answers:
    """The answers in `folder`, if they are answers to the questions with `digest`.

    Raises:
        StageError: They are missing, damaged, or answer other questions.
    """
    try:
        facts = read_json(folder / FACTS)
        with np.load(folder / ARRAYS) as arrays:
            uvz, seconds = arrays["uvz"], arrays["seconds"]
        resting = _read_resting(folder / RESTING, facts["name"])
        gripper = pd.read_parquet(folder / GRIPPER) if (folder / GRIPPER).is_file() else None
        answers = Answers(facts["name"], uvz, seconds, facts, resting, gripper)
    except (OSError, BadZipFile, ValueError, KeyError) as error:
        raise StageError(
            f"The answers in {folder} cannot be read: {error}.",
            expected=f"{ARRAYS} and {FACTS} of the stage benchmark_predictions",
            remedy="run `mu0 benchmark traces` again.",
        ) from error
    if facts["digest"] != digest:
        raise StageError(
            f"The answers in {folder} are to other questions.",
            expected="one set of questions for all methods",
            remedy="run `mu0 benchmark traces` again: it asks what changed.",
        )
    return answers


def _read_resting(path: Path, name: str) -> RestingAnswers | None:
    if not path.is_file():
        return None
    with np.load(path) as arrays:
        return RestingAnswers(name, arrays["uvz"], arrays.get("moves"))
