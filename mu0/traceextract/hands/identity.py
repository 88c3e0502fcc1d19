"""Which hand is which over time: from sightings in single frames to hands with identity.

    sightings of a frame --at one place--> one hand each --assigned to hands of the frames before--> hands
    of the sightings of a hand in a frame that one which is called as the hand mostly is; what is called
    otherwise and has another shape than the hand before and after is the other hand's skeleton in its place:
    not believed

A landmarker often takes a left hand for a right one and then names its fingers the wrong way round, so places
decide who continues whom, and names only help. Short gaps are bridged straight; longer ones stay open, and
the hand is missing there. What shows up in a few frames only is dropped and counted.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Float32
from scipy.optimize import linear_sum_assignment

from mu0.episodes.hand_skeletons import JOINTS, Handedness
from mu0.traceextract.backends.interfaces import HandSighting

FORBIDDEN = 1e6
LEAST_SCORE = 1e-3  # of what is seen: 0 says that a hand is not


@dataclass(frozen=True)
class IdentitySettings:
    """Limits; lengths as shares of a hand's size, the diagonal of the box around its joints."""

    same_share: float = 0.4  # between the middles of one hand seen twice
    step_share: float = 1.3  # ... of one hand in the next frame; in later ones by so much more for each
    most_steps: int = 3
    other_name: float = 0.3  # is added if handedness differs
    gap_s: float = 0.5  # within it a hand goes on from where it was
    return_s: float = 3.0  # within it a hand that was away comes back ...
    return_share: float = 4.0  # ... if it was no farther and has its name
    bridge_s: float = 0.35  # gaps up to this are filled
    shape_share: float = 0.2  # mean distance of joints, middles on each other: another shape
    min_frames: int = 3  # of a hand, and of each of its runs


@dataclass(frozen=True)
class Hands:
    """Hands of a clip over all its frames; joints as in `mu0.episodes.hand_skeletons`.

    Attributes:
        landmarks: x, y [px], z relative to the wrist [px]; NaN where a hand does not live.
        score: 0 where a hand is not seen.
        lives: Seen, or bridged between two frames in which it is.
        handedness: What each was called most, by score.
        n_left_out: Hands in single frames that were too brief, or not believed.
    """

    landmarks: Float32[np.ndarray, "h t 21 3"]
    score: Float32[np.ndarray, "h t"]
    lives: Bool[np.ndarray, "h t"]
    handedness: tuple[Handedness, ...]
    n_left_out: int = 0

    @property
    def is_seen(self) -> Bool[np.ndarray, "h t"]:
        """Where a hand was recognised."""
        return self.score > 0

    def __len__(self) -> int:
        return len(self.score)


Group = list[HandSighting]  # one hand in one frame, best first


@dataclass
class _Life:
    """One hand while it is being put together."""

    seen: dict[int, Group] = field(default_factory=dict)
    names: Counter[Handedness] = field(default_factory=Counter)

    def add(self, frame: int, group: Group) -> None:
        self.seen[frame] = group
        for sighting in group:
            self.names[sighting.handedness] += round(1000 * sighting.score)

    @property
    def last(self) -> int:
        return max(self.seen)

    @property
    def handedness(self) -> Handedness:
        return self.names.most_common(1)[0][0]

    def away(self, frame: int, group: Group, settings: IdentitySettings) -> float:
        """Distance of a later sighting, as a share of the hand's size; more if it has another name."""
        before, here = _middle(self.seen[self.last][0]), _middle(group[0])
        goals = [before]
        if self.last - 1 in self.seen:
            step = before - _middle(self.seen[self.last - 1][0])
            goals.append(before + step * (frame - self.last))
        size = max(size_px(one[0].landmarks[:, :2]) for one in (self.seen[self.last], group))
        far = min(float(np.linalg.norm(goal - here)) for goal in goals) / size
        return far + settings.other_name * (not self.is_called_as(group))

    def is_called_as(self, group: Group) -> bool:
        """Whether a sighting has this hand's name."""
        return any(one.handedness == self.handedness for one in group)

    def believed(self, settings: IdentitySettings) -> dict[int, HandSighting]:
        """One sighting per frame, without those of the other hand's shape."""
        name = self.handedness
        best = {
            frame: next((one for one in group if one.handedness == name), group[0])
            for frame, group in self.seen.items()
        }
        right = np.array([frame for frame, one in best.items() if one.handedness == name])
        return {
            frame: one
            for frame, one in best.items()
            if one.handedness == name
            or _shape_off(one, best[int(right[np.abs(right - frame).argmin()])]) <= settings.shape_share
        }


def identify(
    sightings: list[list[HandSighting]], fps_hz: float, settings: IdentitySettings | None = None
) -> Hands:
    """Hands with identity, in the order in which they first appear."""
    settings = settings or IdentitySettings()
    lives: list[_Life] = []
    for frame, found in enumerate(sightings):
        _continue(lives, frame, _groups(found, settings), fps_hz, settings)
    return _stacked(lives, len(sightings), fps_hz, settings)


def size_px(joints: Float[np.ndarray, "21 2"]) -> float:
    """Diagonal of the box around a hand's joints."""
    return max(1.0, float(np.linalg.norm(np.ptp(joints, axis=0))))


def _middle(sighting: HandSighting) -> Float[np.ndarray, " 2"]:
    return sighting.landmarks[:, :2].mean(0)


def _shape_off(one: HandSighting, other: HandSighting) -> float:
    a, b = (sighting.landmarks[:, :2] - _middle(sighting) for sighting in (one, other))
    return float(np.linalg.norm(a - b, axis=1).mean()) / max(size_px(a), size_px(b))


def _groups(found: list[HandSighting], settings: IdentitySettings) -> list[Group]:
    """Sightings at one place together, the best ones first."""
    groups: list[Group] = []
    for sighting in sorted(found, key=lambda one: -one.score):
        for group in groups:
            size = size_px(group[0].landmarks[:, :2])
            if np.linalg.norm(_middle(group[0]) - _middle(sighting)) <= settings.same_share * size:
                group.append(sighting)
                break
        else:
            groups.append([sighting])
    return groups


def _continue(
    lives: list[_Life], frame: int, groups: list[Group], fps_hz: float, settings: IdentitySettings
) -> None:
    """Give the hands of a frame to those of the frames before, or to new ones."""
    left = groups
    for reach_s in (settings.gap_s, settings.return_s):
        free = [life for life in lives if 0 < frame - life.last <= max(1, round(reach_s * fps_hz))]
        if not free or not left:
            continue
        returns = reach_s > settings.gap_s
        cost = np.array([[life.away(frame, group, settings) for group in left] for life in free])
        named = np.array([[life.is_called_as(group) for group in left] for life in free])
        steps = np.array([min(frame - life.last, settings.most_steps) for life in free])
        limit = settings.return_share * named if returns else settings.step_share * steps[:, None]
        cost[cost > limit] = FORBIDDEN
        taken = set()
        for row, column in zip(*linear_sum_assignment(cost), strict=True):
            if cost[row, column] < FORBIDDEN:
                free[row].add(frame, left[column])
                taken.add(column)
        left = [group for number, group in enumerate(left) if number not in taken]
    for group in left:
        lives.append(_Life())
        lives[-1].add(frame, group)


def _stacked(lives: list[_Life], n_frames: int, fps_hz: float, settings: IdentitySettings) -> Hands:
    landmarks = np.full((len(lives), n_frames, len(JOINTS), 3), np.nan, np.float32)
    score = np.zeros((len(lives), n_frames), np.float32)
    alive = np.zeros((len(lives), n_frames), bool)
    longest = 1 + round(settings.bridge_s * fps_hz)
    for number, life in enumerate(lives):
        seen = life.believed(settings)
        frames = np.array(sorted(seen))
        for run in np.split(frames, np.flatnonzero(np.diff(frames) > longest) + 1):
            if len(run) < settings.min_frames:
                continue
            span = np.arange(run[0], run[-1] + 1)
            joints = np.stack([seen[frame].landmarks for frame in run])
            filled = np.stack([np.interp(span, run, column) for column in joints.reshape(len(run), -1).T], 1)
            landmarks[number, span] = filled.reshape(-1, *joints.shape[1:])
            score[number, run] = [max(seen[frame].score, LEAST_SCORE) for frame in run]
            alive[number, span] = True
    kept = np.flatnonzero(alive.any(1))
    n_left_out = sum(len(life.seen) for life in lives) - int((score > 0).sum())
    names = tuple(lives[number].handedness for number in kept)
    return Hands(landmarks[kept], score[kept], alive[kept], names, n_left_out)
