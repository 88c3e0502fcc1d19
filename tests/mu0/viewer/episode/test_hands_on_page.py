"""Hands on the page: bones and joints of the frame, what they touch; nothing where nobody looked."""

from pathlib import Path

import numpy as np
from episode_scene import T, make_episode

from mu0.episodes.hand_skeletons import BONES, Contact, HandSkeletons, write_hands
from mu0.episodes.read import read_episode
from mu0.viewer.episode.pack import Limits, pack_episode
from mu0.viewer.episode.texts import Texts


def _content(folder: Path):
    return pack_episode(read_episode(folder), Texts(), anchor=None, limits=Limits()).content


def test_a_skeleton_is_packed_in_the_frames_in_which_it_is_known(tmp_path: Path) -> None:
    folder = make_episode(tmp_path / "a")
    landmarks = np.full((1, T, 21, 3), np.nan, np.float32)
    landmarks[0, 2:7] = np.arange(63).reshape(21, 3)
    score = np.zeros((1, T), np.float32)
    score[0, 2:6] = 0.9  # bridged in 6
    hands = HandSkeletons(
        "toy", landmarks, score, np.zeros((1, T, 21), np.uint8), ("left",), (9,),
        np.zeros((0, 3), np.int32), (Contact(0, 4, 4, 6, (8,)),),
    )  # fmt: skip
    write_hands(folder, hands)
    content = _content(folder)
    assert tuple(map(tuple, content["bones"])) == BONES
    packed = {anchor["frame"]: anchor["hands"] for anchor in content["anchors"]}
    assert packed[0] == []
    assert packed[8] == []
    (hand,) = packed[4]
    assert (hand["entity"], hand["handedness"], hand["seen"], hand["touches"]) == (9, "left", 1, [4])
    assert hand["joints"][1] == [3.0, 4.0]
    assert packed[6][0]["seen"] == 0
    assert packed[6][0]["touches"] == []


def test_without_hands_nothing_is_packed(tmp_path: Path) -> None:
    content = _content(make_episode(tmp_path / "a"))
    assert "bones" not in content
    assert all("hands" not in anchor for anchor in content["anchors"])
