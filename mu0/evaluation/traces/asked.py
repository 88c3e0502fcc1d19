"""Everything that the trace report asks: official questions, second ones with rest, and the gripper alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mu0.dataset.evaluation import EvaluationProtocol, EvaluationSample, read_evaluation_samples
from mu0.dataset.folders import TraceFolders
from mu0.dataset.index import read_slots
from mu0.dataset.resting_questions import MixedQuestion, mixed_questions
from mu0.dataset.rows import WindowShape
from mu0.evaluation.phases.labels import LabelFolders, label_keypoints
from mu0.evaluation.traces.by_phase import PhaseLabels
from mu0.evaluation.traces.gripper_paths import GripperQuestion
from mu0.evaluation.traces.gripper_questions import gripper_questions
from mu0.params.world_model import TraceDatasetParams, TraceReportParams


@dataclass(frozen=True)
class Questions:
    """What all methods are asked.

    Attributes:
        official: Moving keypoints of held-out moments.
        mixed: The same moments with resting keypoints among them; none where episodes have none.
        labels: Phases and entities of both.
        gripper: About the gripper alone; none where nothing was simulated.
    """

    official: Sequence[EvaluationSample]
    mixed: Sequence[MixedQuestion] = ()
    labels: PhaseLabels | None = None
    gripper: Sequence[GripperQuestion] = ()


def read_asked(
    report: TraceReportParams, data: TraceDatasetParams, folders: TraceFolders, truths: Path
) -> Questions:
    """The questions on the test split.

    Args:
        report: How many, and of what.
        data: Length of past and future.
        folders: Of the dataset.
        truths: Exact truth of simulated clips, for phases and entities; need not exist.

    Raises:
        DatasetError: There is no held-out frame.
        EpisodeError: An episode is damaged.
        StageError: A truth was recorded before phases were.
    """
    slots = read_slots(folders.index)
    slots = slots[slots["split"] == "test"]
    shape = WindowShape(data.history_len, data.future_len, data.min_future_steps)
    chosen = report.frames, report.frames_per_episode, report.n_queries, report.seed
    official = read_evaluation_samples(
        slots, folders.episodes, folders.captions, EvaluationProtocol(shape, *chosen)
    )
    mixed = mixed_questions(official, folders.episodes, report.n_resting, report.seed)
    known = LabelFolders(folders.episodes, folders.captions, truths)
    labels = PhaseLabels(
        label_keypoints(official, known), label_keypoints([one.sample for one in mixed], known)
    )
    return Questions(official, mixed, labels, gripper_questions(slots, known, shape))
