"""A LeRobotDataset in another version: `mu0 demos export`.

Rows and instructions are the same; frames are decoded and encoded anew (H.264 crf 12). Episodes that cannot
be read are left out and told.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mu0.errors import Mu0Error, SourceError
from mu0.progress import track
from mu0.sources.faults import READING, fault_of
from mu0.sources.lerobot.layout import Layout, read_layout
from mu0.sources.lerobot.reading_whole import contents_of, left_out, read_whole, require_frames
from mu0.sources.lerobot.whole_episode import WholeEpisode
from mu0.sources.lerobot.writing_v3 import VERSION as V3
from mu0.sources.lerobot.writing_v3 import write_v3
from mu0.sources.lerobot.writing_v21 import VERSION as V21
from mu0.sources.lerobot.writing_v21 import write_v21

VERSIONS = (V21, V3)
CRF = 12  # the frames have been encoded before: little more may be lost


@dataclass(frozen=True)
class Exported:
    """What was written, and what could not be: episodes with their faults, and features."""

    n_episodes: int
    faults: dict[str, Mu0Error]
    features: list[str]


def export_dataset(source: Path, goal: Path, version: str) -> Exported:
    """Write a dataset of any version as one of `version`.

    Args:
        source: The dataset.
        goal: A folder that does not exist yet.
        version: "v2.1" or "v3.0".

    Raises:
        SourceError: The version is none of these, the goal exists, `source` is no dataset, or no episode of
            it can be read.
    """
    if version not in VERSIONS:
        raise SourceError(
            f"There is no version {version!r} to write.",
            expected=f"one of {', '.join(VERSIONS)}",
            remedy="correct --to.",
        )
    require_free(goal, source)
    layout = read_layout(source)
    faults: dict[str, Mu0Error] = {}
    episodes = track(_episodes(layout, faults), f"writing {version}", total=len(layout.episodes))
    write = write_v21 if version == V21 else write_v3
    write(goal, episodes, contents_of(layout), crf=CRF)
    return Exported(len(layout.episodes) - len(faults), faults, left_out(layout))


def require_free(goal: Path, source: Path) -> None:
    """Refuse to write over anything, or into the dataset that is read.

    Raises:
        SourceError: `goal` exists or lies inside `source`.
    """
    if goal.exists() or goal.resolve().is_relative_to(source.resolve()):
        raise SourceError(
            f"{goal} {'exists' if goal.exists() else f'lies inside {source}'}.",
            expected="a new folder beside the dataset",
            remedy="choose another name; what is there is never touched.",
        )


def _episodes(layout: Layout, faults: dict[str, Mu0Error]) -> Iterator[WholeEpisode]:
    for episode in layout.episodes:
        try:
            if episode.fault is not None:
                raise episode.fault
            require_frames(layout, episode)
            whole = read_whole(layout, episode)
        except Mu0Error as error:
            faults[episode.name] = error
        except READING as error:
            faults[episode.name] = fault_of(error, episode.name)
        else:
            yield whole
