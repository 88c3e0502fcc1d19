"""An episode's course: what the actor does from frame to frame, what it holds, and where it goes.

paths    where every point is in every frame        (paths.py)
contact  who acts, and what moves with it when      (contact.py)
skills   reach, grasp, lift, ... in the best order  (skills.py)
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mu0.episodes.read import Episode
from mu0.traceextract.captions.evidence.contact import Contact, find_contact
from mu0.traceextract.captions.evidence.paths import find_paths
from mu0.traceextract.captions.evidence.skills import Skill, find_skills
from mu0.traceextract.captions.evidence.upright import PICTURE_UP

MOST_FRAMES = 2000  # a course looks at a whole episode at once; longer ones are cut by acceleration


@dataclass(frozen=True)
class Course:
    """What happens in an episode in which something is handled.

    Attributes:
        skills: In time order; every frame has one.
        contact: The actor's path and what it holds.
    """

    skills: tuple[Skill, ...]
    contact: Contact

    @property
    def cuts(self) -> tuple[int, ...]:
        """Where skills change."""
        return tuple(skill.first for skill in self.skills[1:])

    def skill(self, start_idx: int, end_idx: int) -> Skill:
        """The skill of most frames between two, both inclusive."""
        return max(self.skills, key=lambda own: min(own.last, end_idx) - max(own.first, start_idx))

    def way(self, start_idx: int, end_idx: int) -> Float[np.ndarray, "2 3"]:
        """How far the actor goes in either half of an event, in the frame of the episode's world."""
        end = min(end_idx + 1, len(self.contact.place) - 1)
        middle = (start_idx + end) // 2
        place = self.contact.place
        return np.stack([place[middle] - place[start_idx], place[end] - place[middle]])


def find_course(
    episode: Episode, up: Float[np.ndarray, " 3"], *, may_infer: bool, shortest: int
) -> Course | None:
    """The course of an episode; None if nothing is handled, as far as one can tell, or if it is very long.

    Args:
        episode: Any; without depth its paths are in the picture.
        up: Unit vector against gravity, in the world of a 3-D episode.
        may_infer: Whether the source says that something is picked up and put down, so that movement alone
            may tell when.
        shortest: Frames of the shortest skill.
    """
    paths = find_paths(episode) if episode.n_frames <= MOST_FRAMES else None
    if paths is None:
        return None
    contact = find_contact(paths, episode.sidecar.fps_hz)
    if contact is None:
        return None
    against_gravity = up if paths.is_3d else PICTURE_UP
    skills = find_skills(contact, against_gravity, may_infer=may_infer, shortest=shortest)
    return Course(skills, contact) if skills else None
