"""`mu0 demos doctor --repair`: a dataset of its own with what could be mended; the source is never touched.

    left out   episodes that cannot be used, and copies of others
    cut        idle beginnings and ends of more than a second, of which half a second stays
    anew       time stamps, counters, statistics, and the videos' clocks

Everything else is kept: instructions, labels, features. The result is a LeRobotDataset v3.0, and its
meta/mu0_repair.json tells what was done to which episode.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mu0.errors import Mu0Error, SourceError
from mu0.files import write_json
from mu0.progress import track
from mu0.sources.faults import READING, fault_of
from mu0.sources.lerobot.doctor.examine import Examination
from mu0.sources.lerobot.export import CRF, require_free
from mu0.sources.lerobot.places import Episode
from mu0.sources.lerobot.reading_whole import contents_of, left_out, read_whole, require_frames
from mu0.sources.lerobot.whole_episode import WholeEpisode
from mu0.sources.lerobot.writing_v3 import write_v3

RECORD = "meta/mu0_repair.json"
ENDINGS = ("next.done", "next.success")


@dataclass(frozen=True)
class Repaired:
    """What a repair did: reasons by episode, rows kept of those that were cut, features left out."""

    n_episodes: int
    left_out: dict[str, str]
    cut: dict[str, tuple[int, int]]
    features: list[str]


def repair(examination: Examination, goal: Path) -> Repaired:
    """Write what can be used of an examined dataset.

    Args:
        examination: Of `examine`.
        goal: A folder that does not exist yet.

    Raises:
        SourceError: The goal exists, or no episode can be used.
    """
    layout = examination.layout
    require_free(goal, layout.root)
    gone = dict(examination.left_out)
    wanted = [episode for episode in layout.episodes if episode.name not in gone]
    if not wanted:
        raise SourceError(
            f"None of the {len(layout.episodes)} episodes in {layout.root} can be used.",
            expected="at least one episode to keep",
            remedy="record them again; the table says what is wrong with each.",
        )
    episodes = track(_episodes(examination, wanted, gone), "repairing", total=len(wanted))
    write_v3(goal, episodes, contents_of(layout), crf=CRF)
    cut = {
        episode.name: (kept.start, kept.stop)
        for episode in wanted
        if episode.name not in gone
        and (kept := examination.kept[episode.name]) != slice(0, episode.length)
    }  # fmt: skip
    repaired = Repaired(
        len(wanted) - len(gone.keys() & {e.name for e in wanted}), gone, cut, left_out(layout)
    )
    write_json(goal / RECORD, _told(layout.root, repaired))
    return repaired


def _episodes(
    examination: Examination, wanted: list[Episode], gone: dict[str, str]
) -> Iterator[WholeEpisode]:
    """The episodes to keep; one whose pictures turn out to be damaged joins the others in `gone`."""
    layout = examination.layout
    for episode in wanted:
        try:
            require_frames(layout, episode)
            whole = read_whole(layout, episode, examination.kept[episode.name])
        except Mu0Error as error:
            gone[episode.name] = error.found
        except READING as error:
            gone[episode.name] = fault_of(error, episode.name).found
        else:
            yield _ended(whole)


def _ended(whole: WholeEpisode) -> WholeEpisode:
    """The episode with its end marked in its last row, where its features mark ends."""
    columns = dict(whole.columns)
    for name in ENDINGS:
        if name in columns and columns[name].dtype == bool:
            is_true = name == "next.done" or bool(whole.facts.get("success", columns[name].any()))
            columns[name] = (np.arange(len(columns[name])) == len(columns[name]) - 1) & is_true
    return replace(whole, columns=columns)


def _told(root: Path, repaired: Repaired) -> dict[str, Any]:
    return {
        "source": root.resolve().name,
        "left_out": repaired.left_out,
        "rows_kept": {name: list(rows) for name, rows in repaired.cut.items()},
        "features_left_out": repaired.features,
    }
