"""What sentences claim about motion."""

import pytest

from mu0.evaluation.captions.claims import read_claims

TASK = "move the blue can to the sink and lift the lid"


@pytest.mark.parametrize(
    ("said", "claims"),
    [
        ("the hand carries it left and up", [("held", ("left", "up"))]),
        ("the hand moves down, then moves right", [("moves", ("down",)), ("moves", ("right",))]),
        ("the hand lifts it", [("held", ("up",))]),
        ("the hand lowers it", [("held", ("down",))]),
        ("the hand lets it go", [("lets_go", ())]),
        ("the robot gripper holds still", [("still", ())]),
        ("a blue can stands there", []),
    ],
)
def test_claims_are_read_clause_by_clause(said: str, claims: list[tuple[str, tuple[str, ...]]]) -> None:
    read = read_claims(f"{TASK}: {said}", TASK)
    assert [(claim.kind, claim.directions) for claim in read] == claims
    assert [claim.part for claim in read] == [(i, len(read)) for i in range(len(read))]


def test_the_words_of_the_source_are_no_claim() -> None:
    assert read_claims(f"{TASK}: ", TASK) == []
