"""The hands of an episode: 21 named joints of each in every frame, in `mu0_hands/` beside the official files.

    landmarks.npy    float32 (hands, frames, 21, 3): x, y [px]; z [m] from the camera where `depth_from` says
                     so, else relative to the wrist, in pixels of the picture (smaller is nearer)
    score.npy        float32 (hands, frames): how sure the landmarker was; 0 where the hand was not seen
    depth_from.npy   uint8 (hands, frames, 21): 0 relative, 1 from the depth image, 2 from the hand's shape
                     put where the depth image saw the rest of it
    tracks.npy       int32 (tracks, 3): number of the track, hand, joint
    hands.json       names of joints, bones, who is which entity, what touches what and when

An episode without the folder was made without looking for hands; one in which none was found has a folder of
empty arrays. Joints are NaN where a hand is not known; where they are known and the score is 0, a short gap
was bridged. Frames in which a hand was not seen are listed as missing.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float32, Int32, UInt8

from mu0.errors import EpisodeError

HANDS_FOLDER = "mu0_hands"
SCHEMA = 1
FINGERS = ("thumb", "index", "middle", "ring", "little")
JOINTS = (
    "wrist",
    *(f"thumb_{part}" for part in ("cmc", "mcp", "ip", "tip")),
    *(f"{finger}_{part}" for finger in FINGERS[1:] for part in ("mcp", "pip", "dip", "tip")),
)
TIPS = (4, 8, 12, 16, 20)
BONES = (
    *((0, first) for first in (1, 5, 17)),
    (5, 9), (9, 13), (13, 17),
    *((joint, joint + 1) for first in (1, 5, 9, 13, 17) for joint in range(first, first + 3)),
)  # fmt: skip
RELATIVE, FROM_IMAGE, FROM_SHAPE = 0, 1, 2
Handedness = Literal["left", "right"]


@dataclass(frozen=True)
class Contact:
    """A hand and an entity move together, tips at its points, from `start` up to and without `stop`."""

    hand: int
    entity: int
    start: int
    stop: int
    joints: tuple[int, ...]


@dataclass(frozen=True)
class HandSkeletons:
    """All hands of an episode; the module text tells the arrays.

    Attributes:
        handedness: Of each hand.
        entity: Number of each hand among the episode's entities.
    """

    backend: str
    landmarks: Float32[np.ndarray, "h t 21 3"]
    score: Float32[np.ndarray, "h t"]
    depth_from: UInt8[np.ndarray, "h t 21"]
    handedness: tuple[Handedness, ...]
    entity: tuple[int, ...]
    tracks: Int32[np.ndarray, "n 3"]
    contacts: tuple[Contact, ...] = ()


def write_hands(episode: Path, hands: HandSkeletons) -> None:
    """Write `mu0_hands/` into an episode's folder."""
    folder = episode / HANDS_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("landmarks", "score", "depth_from", "tracks"):
        np.save(folder / f"{name}.npy", np.ascontiguousarray(getattr(hands, name)))
    content = {
        "schema": SCHEMA,
        "backend": hands.backend,
        "joints": JOINTS,
        "bones": BONES,
        "hands": [
            {
                "hand": number,
                "entity": hands.entity[number],
                "handedness": hands.handedness[number],
                "n_frames_seen": int((score > 0).sum()),
                "missing_frames": np.flatnonzero(score == 0).tolist(),
            }
            for number, score in enumerate(hands.score)
        ],
        "contacts": [asdict(contact) for contact in hands.contacts],
    }
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    (folder / "hands.json").write_text(text, encoding="utf-8")


def read_hands(episode: Path) -> HandSkeletons | None:
    """The hands of an episode; None if nobody looked for any.

    Raises:
        EpisodeError: The folder is damaged or of an unknown schema version.
    """
    folder = episode / HANDS_FOLDER
    if not folder.is_dir():
        return None
    try:
        content = json.loads((folder / "hands.json").read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise EpisodeError(
                f"{folder} has schema version {content['schema']}.",
                expected=f"version {SCHEMA}",
                remedy="update mu0 if a newer version wrote it, or extract this clip again.",
            )
        arrays = {
            name: np.load(folder / f"{name}.npy", allow_pickle=False)
            for name in ("landmarks", "score", "depth_from", "tracks")
        }
        return HandSkeletons(
            backend=content["backend"],
            handedness=tuple(hand["handedness"] for hand in content["hands"]),
            entity=tuple(hand["entity"] for hand in content["hands"]),
            contacts=tuple(
                Contact(**{**contact, "joints": tuple(contact["joints"])}) for contact in content["contacts"]
            ),
            **arrays,
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise EpisodeError(
            f"{folder} is damaged: {error}.",
            expected="hands.json and four arrays that mu0 wrote",
            remedy="extract this clip again, or delete the folder: the traces do not depend on it.",
        ) from error
