"""What a person asks, from the command line or from Python: pictures, a sentence, and where to put keypoints.

A table is a CSV file with one question per row:

    image       path, relative to the table          (needed)
    text        what is going to happen              (else the text given for all)
    keypoints   'x,y x,y …' in pixels                (else chosen as for all)
    depth       16-bit PNG in millimetres            (optional)
    history     .npz or .json of past points         (optional)

Pixels given for all pictures of a call mean the same place only if all pictures have one size; that is
checked. Pictures of different sizes are fine with every other choice.
"""

import csv
import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from mu0.errors import PredictionError
from mu0.files import in_natural_order
from mu0.inference.keypoints import entity_points, grid_points, parse_keypoints, points_on
from mu0.inference.likely import likely_points
from mu0.model.grounding import ground
from mu0.model.predictor import TracePredictor
from mu0.records import Observation
from mu0.sources.own_files.picture_rows import PictureRow, kind_of, row_in
from mu0.text_files import read_text

if TYPE_CHECKING:
    from mu0.inference.finder import Finder

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
COLUMNS = ("image", "text", "keypoints", "depth", "history")


@dataclass(frozen=True)
class Choice:
    """Where keypoints go: the first of these that is set, else a grid.

    Attributes:
        keypoints: 'x,y x,y …' in pixels.
        entities: How many entities the picture is clustered into; 0 does not. Those that are likely to move
            get keypoints; all of them where the model does not say.
        on: What to put keypoints on, by the model's own map of what is named.
        phrase: What to look for in the picture with a detector.
        grid: Side of the grid.
        n_points: How many points on entities or on what was found.
        seed: Of the clustering.
    """

    keypoints: str = ""
    entities: int = 0
    on: str = ""
    phrase: str = ""
    grid: int = 8
    n_points: int = 64
    seed: int = 0


@dataclass(frozen=True)
class Question:
    """One picture of a call."""

    image: Path
    text: str
    depth: Path | None = None
    history: Path | None = None
    keypoints: str = ""


def questions_in(place: Path, text: str) -> list[Question]:
    """The questions of a picture, a folder of pictures (in natural order: 2 before 10) or a table.

    Raises:
        PredictionError: There is none, or the table is unusable.
    """
    if place.is_dir():
        pictures = _pictures_in(place)
        deep = next((path for path in pictures if kind_of(path) == "deep"), None)
        if deep is not None:
            raise PredictionError(
                f"{deep} is a picture of one channel of 16 bits or more, such as depth.",
                expected="pictures in colour",
                remedy="move depth out of the folder; with a table each picture names its own.",
            )
        return [Question(path, text) for path in pictures]
    if place.suffix.lower() == ".csv":
        return _table(place, text)
    return [Question(place, text)]


def film_in(folder: Path) -> PictureRow:
    """The pictures of a folder that are one film, as extraction takes them.

    Raises:
        PredictionError: There is none.
        SourceError: There are two films, or a picture of another kind in the row.
    """
    return row_in(folder, _pictures_in(folder))


def _pictures_in(folder: Path) -> list[Path]:
    pictures = in_natural_order(
        path for path in folder.iterdir() if path.suffix.lower() in PICTURES and not path.name.startswith(".")
    )
    if not pictures:
        raise PredictionError(
            f"There is no picture in {folder}.",
            expected=f"files that end in {', '.join(PICTURES)}",
            remedy="check the folder.",
        )
    return pictures


def _table(path: Path, text: str) -> list[Question]:
    try:
        found = read_text(path)
        reader = csv.DictReader(io.StringIO(found.text))
        rows, columns = list(reader), tuple(reader.fieldnames or ())
    except (OSError, csv.Error) as error:
        raise _no_table(path, f"{path} cannot be read: {error}.") from error
    if found.note and not found.text:
        raise _no_table(path, f"{path.parent / found.note}.")
    if not rows or "image" not in columns or set(columns) - set(COLUMNS):
        named = ", ".join(map(str, columns)) or "(none)"
        raise _no_table(path, f"{path} holds {len(rows)} rows with the columns {named}.")

    def place(row: dict[str, str | None], column: str) -> Path | None:
        value = row.get(column)
        return path.parent / value if value else None

    return [
        Question(
            place(row, "image") or path.parent,
            row.get("text") or text,
            place(row, "depth"),
            place(row, "history"),
            row.get("keypoints") or "",
        )
        for row in rows
    ]


def _no_table(path: Path, found: str) -> PredictionError:
    return PredictionError(
        found,
        expected=f"at least one row, a column image, and no others than {', '.join(COLUMNS)}",
        remedy=f"correct {path.name}; docs/predicting.md shows a table.",
    )


def chosen_px(
    observation: Observation,
    choice: Choice,
    finder: "Finder | None" = None,
    predictor: TracePredictor | None = None,
) -> Float[np.ndarray, "q 2"]:
    """Keypoints of one picture in pixels.

    Raises:
        PredictionError: Pixels are not usable, or nothing is called or looks like what was named.
    """
    image, depth_m = observation.image, observation.depth_m
    height, width = image.shape[:2]
    if choice.keypoints:
        return parse_keypoints(choice.keypoints, width, height)
    if choice.on:
        assert predictor is not None, "the model says where the named thing is"
        return ground(predictor, replace(observation, instruction=choice.on)).points_px
    if choice.phrase:
        assert finder is not None, "a phrase needs a finder"
        masks = [thing.mask for thing in finder.find(image, choice.phrase)]
        return points_on(masks, image, choice.n_points, choice.seed)
    if choice.entities and predictor is not None and predictor.knows_what_moves:
        return likely_points(predictor, observation, choice.entities, choice.n_points, choice.seed)
    if choice.entities:
        return entity_points(image, depth_m, choice.entities, choice.n_points, choice.seed)
    return grid_points(choice.grid, (width, height))
