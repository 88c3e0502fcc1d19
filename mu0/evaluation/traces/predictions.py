"""Asking every method the same questions, and how long each answer takes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mu0.dataset.evaluation import EvaluationSample
from mu0.errors import PredictionError
from mu0.interfaces import AbstractTracePredictor
from mu0.progress import track
from mu0.records import Queries


@dataclass(frozen=True)
class Method:
    """A row of the benchmark.

    Attributes:
        name: Name in tables, files and figures.
        predictor: Who answers.
        sees_history: Whether the past of the keypoints is shown to it.
        n_parameters: Number of trained weights.
    """

    name: str
    predictor: AbstractTracePredictor
    sees_history: bool
    n_parameters: int = 0


@dataclass(frozen=True)
class Predictions:
    """All answers of one method: keypoints of all samples one after another.

    `moves` is the probability that a keypoint leaves its place; None from methods that do not say.
    """

    method: Method
    uvz: Float[np.ndarray, "sample n step 3"]
    seconds: Float[np.ndarray, " question"]
    moves: Float[np.ndarray, " n"] | None = None

    @property
    def name(self) -> str:
        """Name of the method."""
        return self.method.name


def predict_all(
    method: Method, samples: Sequence[EvaluationSample], n_samples: int, seed: int
) -> Predictions:
    """Answers of `method`; question i uses seed `seed + i`, so that order and subset do not matter.

    Raises:
        PredictionError: An answer is not finite or has another shape than the truth.
    """
    questions = [
        sample.queries if method.sees_history else Queries(sample.queries.anchor_uvz) for sample in samples
    ]
    method.predictor.predict(samples[0].observation, questions[0], n_samples, seed)  # warm-up, not timed
    answers, seconds, moves = [], [], []
    pairs = list(zip(samples, questions, strict=True))
    for place, (sample, queries) in enumerate(track(pairs, f"predicting with {method.name}")):
        started = time.perf_counter()
        said = method.predictor.predict(sample.observation, queries, n_samples, seed + place)
        seconds.append(time.perf_counter() - started)
        answer = said.uvz
        expected = (n_samples, *sample.truth_uvz.shape)
        if answer.shape != expected or not np.isfinite(answer).all():
            raise PredictionError(
                f"{method.name} answered sample {place} ({sample.episode_id}, frame {sample.frame_index}) "
                f"with shape {answer.shape}, {np.isfinite(answer).mean():.0%} finite.",
                expected=f"finite numbers of shape {expected}",
                remedy="train the world model with the future_len of this dataset, and look at its loss.",
            )
        answers.append(answer)
        moves += [] if said.moves is None else [said.moves]
    all_moves = np.concatenate(moves) if len(moves) == len(answers) else None
    return Predictions(method, np.concatenate(answers, axis=1), np.array(seconds), all_moves)
