"""What a sentence claims about motion: who moves, whether something is held, and which way it goes.

Read from closed lists of words, clause by clause; a sentence without any of them claims nothing. What the
source said itself is no claim of the caption and is cut off first.
"""

import re
from dataclasses import dataclass

DIRECTIONS = ("right", "left", "up", "down", "forward", "backward")
HOLDS = (
    "carry", "carries", "lift", "lifts", "lower", "lowers", "push", "pushes", "pull", "pulls", "transport",
    "transports",
)  # fmt: skip
MOVES = ("move", "moves", "reach", "reaches", "retreat", "retreats", "approach", "approaches")
GRASPS = ("grasp", "grasps", "grip", "grips")
LETS_GO = ("release", "releases", "let", "lets")
IMPLIED = {"lift": "up", "lifts": "up", "lower": "down", "lowers": "down"}
STILL = re.compile(r"\b(?:holds?|stays?|remains?) still\b")
CLAUSE = re.compile(r",? then |[.;]")


@dataclass(frozen=True)
class Claim:
    """What one clause says.

    Attributes:
        kind: "held" (an object moves with the actor), "moves" (the actor does), "still" (it does not),
            "grasps" or "lets_go".
        directions: Words of DIRECTIONS, of the object if something is held, else of the actor.
        part: Which clause of how many, for they come one after another.
    """

    kind: str
    directions: tuple[str, ...]
    part: tuple[int, int]


def read_claims(text: str, task: str) -> list[Claim]:
    """The claims of a description."""
    said = text.removeprefix(f"{task}: ") if task else text
    clauses = [clause.lower() for clause in CLAUSE.split(said) if clause.strip()]
    claims = []
    for number, clause in enumerate(clauses):
        words = re.findall(r"[a-z]+", clause)
        kind, verb = _kind(clause, words)
        if kind:
            named = [word for word in words if word in DIRECTIONS]
            implied = [IMPLIED[verb]] if verb in IMPLIED and not {"up", "down"} & set(named) else []
            claims.append(Claim(kind, (*implied, *named), (number, len(clauses))))
    return claims


def _kind(clause: str, words: list[str]) -> tuple[str, str]:
    if STILL.search(clause):
        return "still", ""
    lists = (("held", HOLDS), ("grasps", GRASPS), ("lets_go", LETS_GO), ("moves", MOVES))
    return next(
        ((kind, word) for word in words for kind, verbs in lists if word in verbs),
        ("", ""),
    )
