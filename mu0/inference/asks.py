"""Questions that the model can be asked: pictures, depth and pasts are read, keypoints chosen.

One that cannot be used is told with its reason and costs no other one, as a damaged clip costs no other clip.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mu0.errors import PredictionError
from mu0.inference.batch import Ask
from mu0.inference.history import padded, read_past
from mu0.inference.keypoints import lift
from mu0.inference.limits import check_text
from mu0.inference.pictures import read_depth, read_picture
from mu0.inference.questions import Choice, Question, chosen_px
from mu0.model.observation import check_question
from mu0.model.predictor import TracePredictor
from mu0.records import Observation, Queries

if TYPE_CHECKING:
    from mu0.inference.finder import Finder

N_SHOWN = 5


@dataclass(frozen=True)
class Asks:
    """What of some questions can be asked.

    Attributes:
        questions: Those that can, in their order.
        asks: Each of them, read.
        refused: The others, each with the reason.
    """

    questions: list[Question]
    asks: list[Ask]
    refused: list[tuple[Question, PredictionError]]


def require_a_picture(questions: Sequence[Question]) -> None:
    """Look, before a model is loaded, whether there is anything to ask about.

    Raises:
        PredictionError: No picture can be read.
    """
    refused: list[tuple[Question, PredictionError]] = []
    for question in questions:
        try:
            read_picture(question.image)
        except PredictionError as error:
            refused.append((question, error))
        else:
            return
    raise _nothing_left(refused)


def make_asks(
    questions: Sequence[Question],
    choice: Choice,
    history_len: int,
    finder: "Finder | None" = None,
    predictor: TracePredictor | None = None,
) -> Asks:
    """Read pictures, depth and pasts, and choose keypoints.

    Args:
        questions: The pictures.
        choice: Where keypoints go unless a question says so itself.
        history_len: Of the model; shorter pasts are padded.
        finder: Needed if the choice is a phrase.
        predictor: Says which entities move, if it can; without it keypoints go on all of them.

    Raises:
        PredictionError: No question can be used, or pixels are given for pictures of different sizes.
    """
    found = Asks([], [], [])
    for question in questions:
        try:
            ask = _ask(question, choice, history_len, finder, predictor)
            check_question(ask.queries, 1, question.image.name)
        except PredictionError as error:
            found.refused.append((question, error))
        else:
            found.questions.append(question)
            found.asks.append(ask)
    if not found.asks:
        raise _nothing_left(found.refused)
    if choice.keypoints:
        _require_one_size(found.questions, found.asks)
    return found


def _nothing_left(refused: Sequence[tuple[Question, PredictionError]]) -> PredictionError:
    if len(refused) == 1:
        return refused[0][1]
    reasons = "".join(f"\n    {error.found}" for _, error in refused[:N_SHOWN])
    return PredictionError(
        f"None of {len(refused)} questions can be asked.{reasons}",
        expected="at least one picture that can be read, with what belongs to it",
        remedy=refused[0][1].remedy,
    )


def _ask(
    question: Question,
    choice: Choice,
    history_len: int,
    finder: "Finder | None",
    predictor: TracePredictor | None,
) -> Ask:
    image = read_picture(question.image)
    depth_m = None
    if question.depth is not None:
        depth_m = read_depth(question.depth, image.shape[:2], question.image.name)
    if question.keypoints:
        choice = replace(choice, keypoints=question.keypoints)
    size_px = (image.shape[1], image.shape[0])
    text = check_text(question.text, f"text of {question.image.name}")
    observation = Observation(image, text, depth_m=depth_m)
    if question.history is None:
        points_px = chosen_px(observation, choice, finder, predictor)
        return Ask(observation, Queries(lift(points_px, size_px, depth_m)))
    past = read_past(question.history)
    anchors = past.anchor_uvz
    if anchors is None or choice.keypoints:
        anchors = lift(chosen_px(observation, choice, finder, predictor), size_px, depth_m)
    if len(anchors) != len(past.history_uvz):
        raise PredictionError(
            f"{question.history} holds the past of {len(past.history_uvz)} keypoints; "
            f"{len(anchors)} are asked about.",
            expected="one past per keypoint, in the same order",
            remedy="give the same keypoints with --points, or write them into the file as anchor_uvz.",
        )
    return Ask(observation, Queries(anchors, padded(past.history_uvz, history_len)))


def _require_one_size(questions: Sequence[Question], asks: Sequence[Ask]) -> None:
    first = asks[0].observation.image.shape
    for question, ask in zip(questions, asks, strict=True):
        if ask.observation.image.shape != first and not question.keypoints:
            height, width = ask.observation.image.shape[:2]
            raise PredictionError(
                f"{question.image.name} is {width} x {height} px, {questions[0].image.name} "
                f"{first[1]} x {first[0]} px, and --points gives pixels for both.",
                expected="pictures of one size",
                remedy="resize them, or give each its keypoints in a table.",
            )
