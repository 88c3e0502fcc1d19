"""The benchmark's third set of questions: the gripper alone, in simulated clips that keep their truth."""

from mu0.dataset.index import read_slots
from mu0.evaluation.benchmark.phases import Told
from mu0.evaluation.benchmark.questions import Asked, first_episodes
from mu0.evaluation.phases.labels import LabelFolders
from mu0.evaluation.traces.gripper_paths import GripperQuestion
from mu0.evaluation.traces.gripper_questions import gripper_questions


def read_gripper_questions(asked: Asked, known: Told, unseen: Told) -> list[GripperQuestion]:
    """Questions on held-out episodes, then on unseen clips; none where nothing was simulated.

    Raises:
        EpisodeError: An episode is damaged.
        StageError: A truth was recorded before phases were.
    """
    found: list[GripperQuestion] = []
    for folders, truths in (known, unseen):
        slots = read_slots(folders.index)
        chosen = first_episodes(slots[slots["split"] == "test"], asked.benchmark.max_episodes)
        labels = LabelFolders(folders.episodes, folders.captions, truths)
        found += gripper_questions(chosen, labels, asked.protocol.shape)
    return found
