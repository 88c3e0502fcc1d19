"""Rules of `mu0_samples/resting/` and `mu0_samples/untrusted/`: places inside the image."""

from pathlib import Path

import numpy as np

from mu0.episodes.read import load_places
from mu0.episodes.resting import PlaceRows, RestingRows, UntrustedRows, shape_faults
from mu0.episodes.violation import Violation
from mu0.episodes.write import EXTRAS_FOLDER
from mu0.errors import EpisodeError

KINDS: tuple[type[PlaceRows], ...] = (RestingRows, UntrustedRows)


def place_faults(episode: Path, size: tuple[int, ...], *, is_3d: bool) -> list[Violation]:
    """Broken rules of both folders; none if they are not there.

    Args:
        episode: Episode folder.
        size: Frames, height and width of images.npy.
        is_3d: Whether depth means anything; else it is 0.
    """
    faults: list[Violation] = []
    for kind in KINDS:
        name = f"{EXTRAS_FOLDER}/{kind.FOLDER}"
        if not (episode / EXTRAS_FOLDER / kind.FOLDER).is_dir():
            continue
        try:
            columns = load_places(episode, kind)
        except EpisodeError as error:
            faults.append(Violation(name, "files", error.found, error.expected))
            continue
        if misfits := shape_faults(columns):
            faults += [Violation(f"{name}/{c}.npy", "type and shape", f, e) for c, f, e in misfits]
            continue
        rows = kind(**columns)
        faults += _frame_faults(rows, name, size[0]) or _value_faults(rows, name, size, is_3d=is_3d)
    return faults


def _frame_faults(rows: PlaceRows, name: str, n_frames: int) -> list[Violation]:
    faults = []
    frames, offsets = np.asarray(rows.frame_indices), np.asarray(rows.offsets)
    if offsets[0] != 0 or offsets[-1] != rows.n_rows or (np.diff(offsets) <= 0).any():
        expected = f"ascending from 0 to {rows.n_rows}, at least one row per anchor"
        faults.append(Violation(f"{name}/offsets.npy", "values", str(offsets.tolist()[:8]), expected))
    if (np.diff(frames) <= 0).any():
        faults.append(Violation(f"{name}/frame_indices.npy", "order", "not ascending", "strictly ascending"))
    elif len(frames) and (frames[0] < 0 or frames[-1] >= n_frames):
        found = f"{frames[0]} to {frames[-1]}"
        faults.append(Violation(f"{name}/frame_indices.npy", "range", found, f"0 to {n_frames - 1}"))
    return faults


def _value_faults(rows: PlaceRows, name: str, size: tuple[int, ...], *, is_3d: bool) -> list[Violation]:
    _, height_px, width_px = size
    x, y, z = np.asarray(rows.places).T
    confidence = np.asarray(rows.confidence)
    ids = np.asarray(rows.track_ids)
    with np.errstate(invalid="ignore"):
        rules = (
            ("places", ~np.isfinite(rows.places).all(1), "finite"),
            (
                "places",
                ~((x >= 0) & (x <= width_px) & (y >= 0) & (y <= height_px)),
                f"inside {width_px} x {height_px}",
            ),
            (
                "places",
                ~(z > 0) if is_3d else z != 0,
                "in front of the camera" if is_3d else "depth 0, for is_3d is false",
            ),
            ("cluster_ids", np.asarray(rows.cluster_ids) < -1, "-1 or an entity number"),
            ("track_ids", ids < 0, "track numbers from 0"),
            ("confidence", ~((confidence >= 0) & (confidence <= 1)), "0 to 1"),
        )
    faults = [
        Violation(f"{name}/{column}.npy", "values", f"{int(broken.sum())} are not", expected)
        for column, broken, expected in rules
        if broken.any()
    ]
    twice = sum(
        b - a - len(np.unique(ids[a:b])) for a, b in zip(rows.offsets[:-1], rows.offsets[1:], strict=True)
    )
    if twice:
        faults.append(Violation(f"{name}/track_ids.npy", "values", f"{twice} twice", "once per anchor"))
    return faults
