"""From one layout to another, episode by episode, and an account of what that costs.

An episode appears complete or not at all. Every converted folder holds `mu0_conversion.json`: where it came
from (a hash of the source), what the new layout cannot hold (`lost`), and what the source never had
(`absent`, filled with values that claim nothing). A second run skips what the first one finished.

Files that no layout defines or all may hold (texts, captions, acceleration, our own columns) are carried
along unchanged, so official -> legacy -> official gives back the same bytes.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from mu0.episodes.hand_skeletons import HANDS_FOLDER
from mu0.episodes.layouts.frame_view import FrameView
from mu0.episodes.layouts.kinds import Layout, require_episodes
from mu0.episodes.layouts.official import OfficialView, write_official
from mu0.episodes.layouts.per_frame import write_legacy, write_traceforge
from mu0.episodes.layouts.view import AbstractEpisodeView
from mu0.episodes.sidecar import ABSENT
from mu0.episodes.write import EXTRAS_FOLDER, naming_a_full_disk
from mu0.errors import EpisodeError, Mu0Error
from mu0.files import atomic_folder, inside, sha256_of_tree, write_json
from mu0.geometry.traceforge import N_GRID_POINTS, grid_points

RECORD_NAME = "mu0_conversion.json"
CARRIED = (
    "acceleration.npz",
    "movement_statistics.npz",
    "description.txt",
    "meta.json",
    "three_instructions.json",
    "curated_captions.json",
    "curated_training_texts.json",
)
ONLY_OUTSIDE_TRACEFORGE = {name: ABSENT[name] for name in ("history", "visibs", "cluster_ids")}
CARRIED_FOLDERS = (EXTRAS_FOLDER, HANDS_FOLDER, "curated")
Status = Literal["converted", "up to date", "failed"]


@dataclass(frozen=True)
class Account:
    """What a conversion costs.

    Attributes:
        lost: What the new layout cannot hold.
        absent: What the source never had.
        notes: What the reader had to decide.
    """

    lost: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


NOTHING = Account()


@dataclass(frozen=True)
class Conversion:
    """What became of one episode.

    Attributes:
        name: Path below the source folder, and below the goal.
        layout: What it was.
        status: "failed" left nothing at the goal.
        account: What it cost.
        reason: Why it failed.
    """

    name: str
    layout: Layout
    status: Status
    account: Account = NOTHING
    reason: str = ""


def open_view(folder: Path, layout: Layout) -> AbstractEpisodeView:
    """The reader of a layout.

    Raises:
        EpisodeError: The episode is damaged.
    """
    return OfficialView(folder) if layout == "official" else FrameView(folder, layout)


def plan_conversions(
    source: Path, goal: Path, to: Layout, *, overwrite: bool
) -> list[tuple[Path, Layout, Path]]:
    """Every episode below `source` with the folder it will go to.

    Raises:
        EpisodeError: There is no episode, the goal lies within the source, or a folder at the goal is neither
            this conversion nor to be overwritten; nothing was written.
        SourceError: A link at the goal leads out of it.
    """
    if goal.resolve().is_relative_to(source.resolve()):
        raise EpisodeError(
            f"{goal} lies within {source}.",
            expected="a goal outside the source",
            remedy="choose another folder for the result.",
        )
    episodes = require_episodes(source)
    root = source.resolve().parent if episodes[0][0] == source else source
    plan = [
        (folder, layout, inside(goal, folder.resolve().relative_to(root.resolve()).as_posix()))
        for folder, layout in episodes
    ]
    for folder, _, place in plan:
        if place.resolve() == folder.resolve():
            raise EpisodeError(
                f"{folder} would be converted onto itself.",
                expected="a goal elsewhere, so that the original stays",
                remedy="choose another folder for the result.",
            )
    others = [place for folder, _, place in plan if place.exists() and _finished(folder, place, to) is None]
    if others and not overwrite:
        raise EpisodeError(
            f"{others[0]} exists already" + (f", and {len(others) - 1} more." if len(others) > 1 else "."),
            expected="an empty place, or this very conversion, which is then skipped",
            remedy="choose another goal, or pass --overwrite to replace them.",
        )
    return plan


def convert_all(plan: list[tuple[Path, Layout, Path]], source: Path, to: Layout) -> Iterator[Conversion]:
    """Convert one episode after another; a broken one does not stop the others.

    Args:
        plan: From `plan_conversions`.
        source: The folder that names are given below.
        to: Wanted layout.
    """
    for folder, layout, place in plan:
        name = folder.resolve().name if folder == source else folder.relative_to(source).as_posix()
        if (done := _finished(folder, place, to)) is not None:
            yield Conversion(name, layout, "up to date", done)
            continue
        try:
            yield Conversion(name, layout, "converted", convert_episode(folder, layout, place, to))
        except Mu0Error as error:
            yield Conversion(name, layout, "failed", reason=error.found)


def sweep(plan: list[tuple[Path, Layout, Path]]) -> int:
    """Remove what killed conversions left beside the goals; needs that nobody else converts there.

    Returns:
        How many half-written folders there were.
    """
    prefixes: dict[Path, set[str]] = {}
    for _, _, place in plan:
        prefixes.setdefault(place.parent, set()).add(f".{place.name}.")
    left = [
        path
        for parent, names in prefixes.items()
        if parent.is_dir()
        for path in sorted(parent.iterdir())
        if path.name.startswith(tuple(names)) and path.is_dir() and not path.is_symlink()
    ]
    for path in left:
        shutil.rmtree(path)
    return len(left)


def convert_episode(folder: Path, layout: Layout, place: Path, to: Layout) -> Account:
    """Convert one episode, replacing what lies at `place`.

    Raises:
        EpisodeError: The source is damaged, or the disk is full; the goal is as it was before.
        SourceError: A link in the source leads out of it.
    """
    view = open_view(folder, layout)
    account = Account(tuple(losses(view, to)), tuple(ABSENT[name] for name in view.absent), view.notes)
    with naming_a_full_disk(place), atomic_folder(place) as temporary:
        if to == "official":
            write_official(view, temporary)
        elif to == "legacy":
            write_legacy(view, temporary, place.name)
        else:
            write_traceforge(view, temporary, place.name)
        _carry(folder, temporary)
        record = {"from": layout, "to": to, "source_sha256": sha256_of_tree(folder), **asdict(account)}
        write_json(temporary / RECORD_NAME, record)
    return account


def losses(view: AbstractEpisodeView, to: Layout) -> list[str]:
    """What `view` holds and the layout `to` cannot."""
    if to != "traceforge":
        return [] if view.layout == "official" else _rounding(view)
    if view.layout == "traceforge":
        return []
    sidecar = view.sidecar()
    lost = [text for name, text in ONLY_OUTSIDE_TRACEFORGE.items() if name not in view.absent]
    if sidecar.mode == "traceforge" and "is_moving" not in view.absent:
        lost.append("the movement flag (TraceGen finds its own)")
    if sidecar.is_3d and "raw_traj" not in view.absent:  # pixels are all that there is without depth
        lost.append("depth of positions at clock time (traj_2d keeps their pixels)")
    return lost + _grid_losses(view)


def _grid_losses(view: AbstractEpisodeView) -> list[str]:
    """The 20 x 20 grid and the single mask that TraceForge has."""
    differing, off_grid = 0, 0
    grid = grid_points(view.size_px)
    for _, rows in view.iter_rows():
        differing += bool((rows.valid_steps != rows.valid_steps[:1]).any())
        same = len(rows.keypoints) == N_GRID_POINTS
        off_grid += not (same and np.abs(rows.keypoints.astype(np.float32) - grid).max() <= 1)
    lost = []
    if differing:
        lost.append(f"masks per row, in {differing} frames (one mask for all; rows keep their -inf)")
    if off_grid:
        lost.append(f"the 20 x 20 grid that TraceGen expects: {off_grid} frames have other points")
    return lost


def _rounding(view: AbstractEpisodeView) -> list[str]:
    """Digits that float16 cannot hold, looked for in the first frame and the first anchor."""
    lost = []
    if view.has_depth and view.sidecar().is_3d:
        depth = view.depth_m(0)
        with np.errstate(over="ignore"):
            if not np.array_equal(depth.astype(np.float16).astype(depth.dtype), depth, equal_nan=True):
                lost.append("digits of depth beyond float16 (2 mm at 3 m)")
    if view.layout == "traceforge":
        lost.append("digits of positions beyond float16 (0.25 px above 256)")
    return lost


def _finished(folder: Path, place: Path, to: Layout) -> Account | None:
    """The account of a finished conversion of this very source; None if there is none."""
    try:
        record = json.loads((place / RECORD_NAME).read_text(encoding="utf-8"))
        if record["to"] != to or record["source_sha256"] != sha256_of_tree(folder):
            return None
        return Account(*(tuple(record[name]) for name in ("lost", "absent", "notes")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _carry(source: Path, goal: Path) -> None:
    """Copy what every layout may hold; links that lead out of the source are refused."""
    names = [name for name in CARRIED if (source / name).is_file()]
    for folder in CARRIED_FOLDERS:
        found = (source / folder).rglob("*")
        names += sorted(path.relative_to(source).as_posix() for path in found if path.is_file())
    for name in names:
        (goal / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(inside(source, name), goal / name)
