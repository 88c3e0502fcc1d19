"""Scores of real clips: a trace on what moves explains it, one elsewhere is false, others do not count."""

import numpy as np
import pytest

from benchmarks.real_clips_score import KINDS, Outlined, masks, read_outlines, score
from mu0.traceextract.tracking.world_tracks import WorldTracks

SIZE_PX = (640, 480)
HAND = {"kind": "hand", "moves": True, "outline_px": [[100, 100], [175, 100], [175, 175], [100, 175]]}
RESTS = {"kind": "object", "moves": False, "outline_px": [[400, 300], [440, 300], [440, 340], [400, 340]]}
BEFORE = {"kind": "object", "moves": True, "outline_px": [[160, 100], [200, 100], [200, 175], [160, 175]]}


def _tracks(*places: tuple[float, float], is_moving: bool = True, visible: bool = True) -> WorldTracks:
    uv_px = np.array([places], np.float32).reshape(1, -1, 2)
    n = uv_px.shape[1]
    return WorldTracks(
        None, uv_px, np.full((1, n), visible), np.ones((1, n), np.float32), np.zeros(n, np.int32),
        np.zeros(n, np.int32), np.full(n, is_moving), np.eye(3), np.eye(4)[None], "none",
    )  # fmt: skip


def _score(*places: tuple[float, float], **flags: bool) -> dict[str, float | int]:
    return score(Outlined("", SIZE_PX, 1, {0: [HAND, RESTS]}), _tracks(*places, **flags))


def test_a_trace_on_the_moving_hand_explains_it() -> None:
    found = _score((140, 140))
    assert found["hand_explained"] == 1
    assert 0 < found["hand_near"] < 1
    assert found["false_movers"] == 0


def test_a_trace_beside_everything_is_false_and_explains_nothing() -> None:
    found = _score((140, 220), (410, 310))
    assert found["hand_explained"] == 0
    assert found["false_movers"] == 0.5


@pytest.mark.parametrize("flag", ["is_moving", "visible"])
def test_still_and_hidden_traces_do_not_count(flag: str) -> None:
    found = _score((140, 140), **{flag: False})
    assert found["n_traces_seen"] == 0
    assert found["hand_explained"] == 0


def test_what_lies_before_hides_what_lies_behind() -> None:
    moving, _ = masks([HAND, BEFORE], SIZE_PX)
    assert not moving["hand"][140, 170]
    assert moving["object"][140, 170]


def test_all_outlines_lie_in_their_pictures_and_something_moves_in_each_clip() -> None:
    for outlined in read_outlines().values():
        kinds = set()
        for frame, things in outlined.frames.items():
            assert frame < outlined.n_kept
            for thing in things:
                assert thing["moves"] in {True, False, None}
                assert (np.array(thing["outline_px"]) < outlined.size_px).all()
                kinds |= {thing["kind"]} if thing["moves"] else set()
        assert kinds & set(KINDS)
