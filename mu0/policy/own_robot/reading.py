"""Reading a dataset for learning: which episodes can be used, and their pictures, made small once.

    <cache>/pictures/<key>/camera_<n>.npy   the pictures of a camera, episode after episode
    <cache>/pictures/<key>/about.json       which episodes these are, and which could not be decoded

The key stands for every byte of the dataset. Reasons are told per episode; the usable ones go on.
"""

import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from mu0.dataset.array_files import RowsWriter, made_once, map_arrays, read_about
from mu0.errors import PolicyError, SourceError
from mu0.files import sha256_of_tree
from mu0.policy.own_robot.recognition import main_view_first
from mu0.policy.pictures import squared
from mu0.progress import track
from mu0.sources.lerobot.layout import Layout, read_layout
from mu0.sources.lerobot.robot_episodes import RobotEpisode, camera_frames, colour_cameras, read_robot_episode

CODE_VERSION = 1
"""Raise when pictures of equal datasets change, so that older caches are not read."""


@dataclass(frozen=True)
class OwnDataset:
    """The usable episodes of a dataset, and why others are not; pictures by camera once they are stored."""

    layout: Layout
    cameras: tuple[str, ...]
    episodes: tuple[RobotEpisode, ...]
    unusable: dict[str, str]
    pictures: tuple[UInt8[np.ndarray, "n side side 3"], ...] = ()
    key: str = ""

    @property
    def lengths(self) -> list[int]:
        """Rows of each usable episode."""
        return [len(one.state) for one in self.episodes]

    @property
    def firsts(self) -> list[int]:
        """The first row of each among the stored ones."""
        return np.concatenate([[0], np.cumsum(self.lengths)[:-1]]).astype(int).tolist()


def read_own_dataset(root: Path, cameras: Sequence[str] = (), most: int | None = None) -> OwnDataset:
    """Read states and actions of all episodes; decodes no picture.

    Args:
        root: A LeRobotDataset v2.0, v2.1 or v3.0.
        cameras: Features to look through, the main view first; all colour cameras where there are none.
        most: Only the first so many usable episodes; all where it is None.

    Raises:
        SourceError: It is no such dataset.
        PolicyError: It has no such camera, or none at all.
    """
    layout = read_layout(root)
    known = colour_cameras(layout)
    chosen = tuple(cameras) or main_view_first(known)
    if not chosen or not set(chosen) <= set(known) or len(set(chosen)) < len(chosen):
        asked = ", ".join(chosen) or "all"
        raise PolicyError(
            f"{root} has the cameras {', '.join(known) or '(none)'}; asked for were {asked}.",
            expected="one or more of the dataset's cameras, each once",
            remedy="name them with --camera, the main view first.",
        )
    usable: list[RobotEpisode] = []
    unusable: dict[str, str] = {}
    for episode in layout.episodes:
        try:
            usable.append(_like_the_first(usable, read_robot_episode(layout, episode, chosen)))
        except SourceError as error:
            unusable[episode.name] = error.found
    return OwnDataset(layout, chosen, tuple(usable[:most]), unusable)


def with_pictures(dataset: OwnDataset, sides_px: Sequence[int], cache: Path) -> OwnDataset:
    """The dataset with its pictures, decoded if the cache lacks them; what cannot be decoded is left out.

    Args:
        dataset: As it was read.
        sides_px: Of the stored square pictures, one per camera.
        cache: Folder of the cache.
    """
    names = [one.episode.name for one in dataset.episodes]
    described = [CODE_VERSION, sha256_of_tree(dataset.layout.root), names, dataset.cameras, list(sides_px)]
    key = hashlib.sha256(json.dumps(described).encode()).hexdigest()[:24]

    def make(folder: Path) -> None:
        with tempfile.TemporaryDirectory(dir=folder.parent) as apart:
            kept, undecoded = _decode(dataset, sides_px, Path(apart))
            n_rows = sum(length for name, length in zip(names, dataset.lengths, strict=True) if name in kept)
            with RowsWriter(folder, n_rows) as writer:
                for name in kept:
                    writer.append(**map_arrays(Path(apart) / name))
                writer.note(kept=kept, unusable=undecoded)

    folder = made_once(cache / "pictures" / key, make)
    about, arrays = read_about(folder), map_arrays(folder)
    return replace(
        dataset,
        episodes=tuple(one for one in dataset.episodes if one.episode.name in about["kept"]),
        unusable=dataset.unusable | about["unusable"],
        pictures=tuple(arrays[f"camera_{number}"] for number in range(len(sides_px)) if arrays),
        key=key,
    )


def _decode(dataset: OwnDataset, sides_px: Sequence[int], goal: Path) -> tuple[list[str], dict[str, str]]:
    """Write each episode's pictures to a folder of its own; the names of those that could be, and faults."""
    kept: list[str] = []
    undecoded: dict[str, str] = {}
    for one in track(dataset.episodes, "pictures of episodes"):
        folder = goal / one.episode.name
        folder.mkdir()
        try:
            for number, (camera, side_px) in enumerate(zip(dataset.cameras, sides_px, strict=True)):
                frames = camera_frames(dataset.layout, one.episode, camera)
                np.save(
                    folder / f"camera_{number}.npy", np.stack([squared(frame, side_px) for frame in frames])
                )
            kept.append(one.episode.name)
        except SourceError as error:
            undecoded[one.episode.name] = error.found
    return kept, undecoded


def _like_the_first(usable: list[RobotEpisode], one: RobotEpisode) -> RobotEpisode:
    """The episode, if its vectors are as long as those before it."""
    sizes = one.state.shape[1], one.action.shape[1]
    before = (usable[0].state.shape[1], usable[0].action.shape[1]) if usable else sizes
    if sizes != before:
        raise SourceError(
            f"{one.episode.name} has {sizes[0]} states and {sizes[1]} actions, the episodes before it "
            f"{before[0]} and {before[1]}.",
            expected="one robot in a dataset",
            remedy="leave it out.",
        )
    return one
