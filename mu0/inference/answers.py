"""Answers as files: `<name>_overlay.png`, `<name>.html` (interactive), `<name>.json`; streams as one .npz."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mu0.files import atomic_file, short_name, write_json
from mu0.inference.batch import Ask
from mu0.inference.keypoints import ANCHOR_DEPTH_M
from mu0.inference.stream import StreamAnswer
from mu0.records import TraceSamples
from mu0.viewer.overlay import opacity_of, write_overlay
from mu0.viewer.page import write_scene_page
from mu0.viewer.scene import Layer, assumed_intrinsics, make_scene, unproject_uvz

MOST_STEM_BYTES = 200  # endings come behind it
CONVENTION = "uvz: u = 2x/W - 1, v = 2y/H - 1, z metres; axes sample, query, step"


def write_answer(
    stem: Path, picture: Path, ask: Ask, traces: TraceSamples, facts: dict[str, Any]
) -> list[Path]:
    """Write the three files of one picture; `facts` (checkpoint, seed …) go into the JSON.

    Returns:
        The files, made in one step each.
    """
    observation, queries = ask.observation, ask.queries
    size_px = (observation.image.shape[1], observation.image.shape[0])
    intrinsics = assumed_intrinsics(*size_px)
    overlay = stem.with_name(f"{stem.name}_overlay.png")
    page, numbers = stem.with_name(f"{stem.name}.html"), stem.with_name(f"{stem.name}.json")
    moves = traces.moves
    opacity = None if moves is None else np.array([opacity_of(float(one)) for one in moves])
    write_overlay(overlay, observation.image, traces.uvz[0], moves=moves)
    scene = make_scene(
        picture.name,
        observation.image,
        [Layer("μ0", unproject_uvz(traces.uvz, intrinsics, size_px), opacity=opacity)],
        instruction=observation.instruction,
        depth_m=observation.depth_m,
        intrinsics=intrinsics,
    )
    write_scene_page(page, f"μ0: {observation.instruction}", [scene])
    depth = "given" if observation.depth_m is not None else f"unknown: anchors are put at {ANCHOR_DEPTH_M} m"
    past = queries.history_uvz
    known = np.zeros(len(queries.anchor_uvz), int) if past is None else np.isfinite(past).all(-1).sum(1)
    content = {
        "image": str(picture),
        "text": observation.instruction,
        "size_px": list(size_px),
        "convention": CONVENTION,
        "depth": depth,
        "past_steps_known": known.tolist(),
        "anchor_uvz": queries.anchor_uvz.tolist(),
        "traces_uvz": traces.uvz.tolist(),
        "valid_probability": traces.valid_probability.tolist(),
        "moves": None if moves is None else moves.tolist(),
    }
    write_json(numbers, facts | content)
    return [overlay, page, numbers]


def unique_stems(pictures: Sequence[Path]) -> list[str]:
    """One file name without ending per picture; those that occur again get a number."""
    stems: list[str] = []
    for picture in pictures:
        first = short_name(picture.stem, MOST_STEM_BYTES)
        stem, number = first, 2
        while stem in stems:
            stem, number = f"{first}_{number}", number + 1
        stems.append(stem)
    return stems


def write_stream(goal: Path, answers: Sequence[StreamAnswer], n_points: int) -> None:
    """Write all answers of a stream; NaN where a keypoint is not seen.

    Arrays: frame (t), anchor_uvz (t, q, 3), traces_uvz (t, sample, q, step, 3), valid_probability (t,
    sample, q, step) and, from models that say so, moves (t, q).
    """
    answered = [(answer, answer.traces) for answer in answers if answer.traces is not None]
    n_samples, _, n_steps, _ = answered[0][1].uvz.shape
    shape = (len(answered), n_samples, n_points, n_steps)
    uvz, valid = np.full((*shape, 3), np.nan, np.float32), np.full(shape, np.nan, np.float32)
    moves = np.full((len(answered), n_points), np.nan, np.float32)
    for index, (answer, traces) in enumerate(answered):
        uvz[index][:, answer.seen] = traces.uvz
        valid[index][:, answer.seen] = traces.valid_probability
        if traces.moves is not None:
            moves[index][answer.seen] = traces.moves
    with atomic_file(goal) as temporary, temporary.open("wb") as stream:
        arrays: dict[str, Any] = {
            "frame": np.array([answer.number for answer, _ in answered]),
            "anchor_uvz": np.stack([answer.frame.anchor_uvz for answer, _ in answered]),
            "traces_uvz": uvz,
            "valid_probability": valid,
        }
        if answered[0][1].moves is not None:
            arrays["moves"] = moves
        np.savez_compressed(stream, **arrays)
