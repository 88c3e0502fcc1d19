"""One episode's captions against what really happened in it.

boundaries  an event's first frame is right within 3 frames of a change of phase, each change once
skills      an event is labelled rightly if at least two thirds of its frames have a phase that its labels
            name, and every label names a phase that occurs in it
claims      who moves and which way, clause by clause (`claims.py`): something is held if an object moves
            with the hand in at least half of the clause's frames, a direction is right if the mover went
            that way, and not much further another way
objects     the first object is the one that is handled, by its whole name
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mu0.envs.phases import HOLDING
from mu0.evaluation.captions.claims import Claim, read_claims
from mu0.evaluation.captions.truth import CaptionTruth

TOLERANCE_FRAMES = 3
MOST_FRAMES = 2 / 3
LABEL_OF_PHASE = {"retreat": "reposition", "pour": "rotate"}  # the others are called as official labels are
MOVED_M, STILL_M = 0.015, 0.03
DIRECTION_SHARE = 0.35  # of the largest way, that a named one has at least


@dataclass(frozen=True)
class Event:
    """What a caption says about a range of frames, last one inclusive."""

    first: int
    last: int
    labels: tuple[str, ...]
    objects: tuple[str, ...]
    text: str


def audit_captions(events: Sequence[Event], task: str, truth: CaptionTruth) -> dict[str, int]:
    """Counts of one episode: what could be right, and what was."""
    starts = [event.first for event in events[1:]]
    claims = [
        right for event in events for claim in read_claims(event.text, task)
        for right in judge(claim, event, truth)
    ]  # fmt: skip
    return {
        "n_changes": len(truth.changes),
        "n_boundaries": len(starts),
        "n_boundaries_right": matched(starts, truth.changes),
        "n_events": len(events),
        "n_skills_right": sum(is_skill_right(event, truth) for event in events),
        "n_objects_right": sum(event.objects[:1] == (truth.target_name,) for event in events),
        **{f"n_{kind}_claims": sum(name == kind for name, _ in claims) for kind in ("mover", "direction")},
        **{
            f"n_{kind}_claims_right": sum(right for name, right in claims if name == kind)
            for kind in ("mover", "direction")
        },
    }


def matched(told: Sequence[int], true: Sequence[int]) -> int:
    """How many told frames lie within the tolerance of a true one, each used once; both ascending."""
    rest = list(true)
    count = 0
    for frame in told:
        while rest and rest[0] < frame - TOLERANCE_FRAMES:
            rest.pop(0)
        if rest and rest[0] <= frame + TOLERANCE_FRAMES:
            rest.pop(0)
            count += 1
    return count


def is_skill_right(event: Event, truth: CaptionTruth) -> bool:
    """Whether an event's labels say what happens in it."""
    phases = [LABEL_OF_PHASE.get(name, name) for name in truth.phase[event.first : event.last + 1]]
    share = float(np.mean([name in event.labels for name in phases]))
    return share >= MOST_FRAMES and set(event.labels) <= set(phases)


def judge(claim: Claim, event: Event, truth: CaptionTruth) -> list[tuple[str, bool]]:
    """The claims of one clause, each with whether it is right."""
    number, n_parts = claim.part
    edges = np.linspace(event.first, min(event.last + 1, len(truth.phase) - 1), n_parts + 1)
    first, last = int(edges[number]), max(int(edges[number + 1]), int(edges[number]))
    phases = truth.phase[first : max(last, first + 1)]
    if claim.kind in ("grasps", "lets_go"):
        wanted = "grasp" if claim.kind == "grasps" else "release"
        around = truth.phase[max(0, first - TOLERANCE_FRAMES) : last + TOLERANCE_FRAMES + 1]
        return [("mover", wanted in around)]
    mover = "target" if claim.kind == "held" else "hand"
    ways = truth.went(mover, first, last)
    distance_m = float(np.hypot(np.hypot(ways["right"], ways["up"]), ways["forward"]))
    if claim.kind == "still":
        return [("mover", distance_m < STILL_M)]
    moves = distance_m > MOVED_M
    if claim.kind == "held":
        moves = moves and float(np.mean([name in HOLDING for name in phases])) >= 0.5
    least_m = DIRECTION_SHARE * max(ways.values())
    return [("mover", moves), *(("direction", 0 < ways[word] >= least_m) for word in claim.directions)]
