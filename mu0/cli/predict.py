"""`mu0 predict`: a picture and a sentence -> overlay PNG, interactive HTML, JSON."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mu0.errors import PredictionError
from mu0.files import write_json

if TYPE_CHECKING:
    import numpy as np

    from mu0.records import Observation, Queries, TraceSamples

GRID_MARGIN = 0.9  # the outermost 5 % on each side say little
ANCHOR_DEPTH_M = 1.0  # for pictures without depth: traces are then right up to the anchor's distance


@dataclass(frozen=True)
class Question:
    """Everything a person asked for."""

    image: Path
    text: str
    checkpoint: Path
    depth: Path | None
    keypoints: str
    grid: int
    samples: int
    seed: int


def predict_image(question: Question, out: Path) -> None:
    """Answer a question and write `<name>_overlay.png`, `<name>.html` and `<name>.json` below `out`.

    Raises:
        PredictionError: Picture, depth or keypoints cannot be used.
        CheckpointError: The checkpoint is missing or damaged.
    """
    from mu0.model.predictor import TracePredictor
    from mu0.viewer.overlay import write_overlay
    from mu0.viewer.page import write_scene_page
    from mu0.viewer.scene import Layer, make_scene, unproject_uvz

    observation = _observe(question)
    queries = _queries(question, observation)
    predictor = TracePredictor.from_folder(question.checkpoint)
    traces = predictor.predict(observation, queries, question.samples, question.seed)
    stem = out / question.image.stem
    height_px, width_px = observation.image.shape[:2]
    size_px = (width_px, height_px)
    intrinsics = _assumed(size_px)
    overlay = stem.with_name(f"{stem.name}_overlay.png")
    write_overlay(overlay, observation.image, traces.uvz[0])
    layers = [Layer("μ0", unproject_uvz(traces.uvz, intrinsics, size_px))]
    scene = make_scene(
        question.image.name, observation.image, layers,
        instruction=question.text, depth_m=observation.depth_m, intrinsics=intrinsics,
    )  # fmt: skip
    write_scene_page(stem.with_suffix(".html"), f"μ0: {question.text}", [scene])
    write_json(stem.with_suffix(".json"), _as_json(question, queries, traces, size_px))
    for made in (overlay, stem.with_suffix(".html"), stem.with_suffix(".json")):
        typer.echo(str(made))


def _observe(question: Question) -> "Observation":
    import cv2
    import numpy as np

    from mu0.records import Observation

    pixels = cv2.imread(str(question.image), cv2.IMREAD_COLOR) if question.image.exists() else None
    if pixels is None:
        raise PredictionError(
            f"{question.image} cannot be read as a picture.",
            expected="a PNG or JPEG file",
            remedy="check the path.",
        )
    image = np.ascontiguousarray(pixels[..., ::-1])
    if question.depth is None:
        return Observation(image, question.text)
    millimetres = cv2.imread(str(question.depth), cv2.IMREAD_UNCHANGED) if question.depth.exists() else None
    if millimetres is None or millimetres.dtype != np.uint16 or millimetres.shape != image.shape[:2]:
        found = (
            "nothing readable" if millimetres is None else f"{millimetres.dtype} of shape {millimetres.shape}"
        )
        raise PredictionError(
            f"{question.depth} holds {found}.",
            expected=f"a 16-bit PNG in millimetres of shape {image.shape[:2]}, like {question.image.name}",
            remedy="register the depth to the picture, or leave --depth out.",
        )
    return Observation(image, question.text, depth_m=millimetres.astype(np.float32) / 1000)


def _queries(question: Question, observation: "Observation") -> "Queries":
    import numpy as np

    from mu0.records import Queries

    height_px, width_px = observation.image.shape[:2]
    if question.keypoints:
        uv = parse_keypoints(question.keypoints, width_px, height_px)
    else:
        side = np.linspace(-GRID_MARGIN, GRID_MARGIN, question.grid)
        uv = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    z_m = np.full(len(uv), ANCHOR_DEPTH_M)
    if observation.depth_m is not None:
        column = np.clip(((uv[:, 0] + 1) / 2 * width_px).astype(int), 0, width_px - 1)
        row = np.clip(((uv[:, 1] + 1) / 2 * height_px).astype(int), 0, height_px - 1)
        seen_m = observation.depth_m[row, column]
        z_m = np.where(
            seen_m > 0, seen_m, np.median(seen_m[seen_m > 0]) if (seen_m > 0).any() else ANCHOR_DEPTH_M
        )
    return Queries(np.concatenate([uv, z_m[:, None]], axis=1).astype(np.float32))


def parse_keypoints(text: str, width_px: int, height_px: int) -> "np.ndarray":
    """'x,y x,y …' in pixels -> (q, 2) in uv.

    Raises:
        PredictionError: A pair is not two numbers, or lies outside the picture.
    """
    import numpy as np

    points = []
    for pair in text.split():
        try:
            x_px, y_px = (float(number) for number in pair.split(","))
        except ValueError:
            raise PredictionError(
                f"The keypoint {pair!r} is not two numbers.",
                expected="x,y in pixels, e.g. '64,80 90,40'",
                remedy="correct it.",
            ) from None
        if not (0 <= x_px <= width_px and 0 <= y_px <= height_px):
            raise PredictionError(
                f"The keypoint {pair!r} lies outside the picture.",
                expected=f"0 <= x <= {width_px} and 0 <= y <= {height_px}",
                remedy="give pixels of the picture itself.",
            )
        points.append((2 * x_px / width_px - 1, 2 * y_px / height_px - 1))
    return np.array(points)


def _assumed(size_px: tuple[int, int]) -> "np.ndarray":
    from mu0.viewer.scene import assumed_intrinsics

    return assumed_intrinsics(*size_px)


def _as_json(
    question: Question, queries: "Queries", traces: "TraceSamples", size_px: tuple[int, int]
) -> dict[str, object]:
    return {
        "image": str(question.image),
        "text": question.text,
        "checkpoint": str(question.checkpoint),
        "seed": question.seed,
        "size_px": list(size_px),
        "convention": "uvz: u = 2x/W - 1, v = 2y/H - 1, z metres; axes sample, query, step",
        "depth": "given" if question.depth else f"unknown: anchors are put at {ANCHOR_DEPTH_M} m",
        "anchor_uvz": queries.anchor_uvz.tolist(),
        "traces_uvz": traces.uvz.tolist(),
        "valid_probability": traces.valid_probability.tolist(),
    }
