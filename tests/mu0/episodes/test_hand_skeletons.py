"""Hands on disk: what was written is read, nobody's hands are None, damage is told."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from mu0.episodes.hand_skeletons import BONES, JOINTS, TIPS, Contact, HandSkeletons, read_hands, write_hands
from mu0.errors import EpisodeError


def _hands(n: int = 1) -> HandSkeletons:
    landmarks = np.full((n, 4, 21, 3), np.nan, np.float32)
    landmarks[:, 1:] = np.arange(63).reshape(21, 3)
    score = np.zeros((n, 4), np.float32)
    score[:, 1:] = 0.9
    tracks = np.array([(7 + joint, 0, joint) for joint in range(21)], np.int32)
    return HandSkeletons(
        "toy", landmarks, score, np.zeros((n, 4, 21), np.uint8), ("left",) * n, (3,) * n,
        tracks[: 21 * n], (Contact(0, 2, 1, 4, (4, 8)),) * n,
    )  # fmt: skip


def test_joints_bones_and_tips_fit_each_other() -> None:
    assert len(JOINTS) == len(set(JOINTS)) == 21
    assert {joint for bone in BONES for joint in bone} == set(range(21))
    assert all(JOINTS[tip].endswith("_tip") for tip in TIPS)


@pytest.mark.parametrize("n", [0, 1])
def test_what_was_written_is_read(tmp_path: Path, n: int) -> None:
    written = _hands(n)
    write_hands(tmp_path, written)
    found = read_hands(tmp_path)
    assert found is not None
    for item in fields(written):
        np.testing.assert_array_equal(getattr(found, item.name), getattr(written, item.name))


def test_missing_frames_are_named(tmp_path: Path) -> None:
    write_hands(tmp_path, _hands())
    assert '"missing_frames": [\n    0\n   ]' in (tmp_path / "mu0_hands" / "hands.json").read_text()


def test_an_episode_made_without_looking_for_hands_has_none(tmp_path: Path) -> None:
    assert read_hands(tmp_path) is None


@pytest.mark.parametrize("file", ["hands.json", "score.npy"])
def test_damage_is_told(tmp_path: Path, file: str) -> None:
    write_hands(tmp_path, _hands())
    path = tmp_path / "mu0_hands" / file
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(EpisodeError, match="is damaged"):
        read_hands(tmp_path)
