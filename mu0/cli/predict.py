"""`mu0 predict`: pictures and sentences -> overlay PNG, interactive HTML, JSON; videos -> a stream."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mu0.cli.place import place_for
from mu0.errors import PredictionError
from mu0.text_files import typed_text

if TYPE_CHECKING:
    from mu0.inference.finder import Finder
    from mu0.inference.questions import Choice
    from mu0.model.predictor import TracePredictor

VIDEOS = (".mp4", ".mkv", ".mov", ".avi", ".webm", ".m4v")


@dataclass(frozen=True)
class Call:
    """What holds for every picture of a call."""

    text: str
    checkpoint: Path
    depth: Path | None
    history: Path | None
    samples: int
    seed: int
    rate_hz: float
    every: int
    frames: int

    @property
    def facts(self) -> dict[str, object]:
        """What the JSON of every answer repeats."""
        return {"checkpoint": str(self.checkpoint), "seed": self.seed}


def predict(
    image: Annotated[Path, typer.Argument(help="A picture, a folder of them, a .csv table, or a video.")],
    text: Annotated[str, typer.Option(help="What is going to happen, e.g. 'pick up the mug'.")] = "",
    out: Annotated[Path, typer.Option(help="Where overlay, scene and numbers go.")] = Path("outputs/predict"),
    checkpoint: Annotated[Path, typer.Option(help="A trained μ0.")] = Path("models/world_model"),
    depth: Annotated[
        Path | None, typer.Option(help="16-bit PNG in millimetres, as large as the picture.")
    ] = None,
    history: Annotated[Path | None, typer.Option(help=".npz or .json of past points.")] = None,
    points: Annotated[
        str, typer.Option("--points", "--keypoints", help="'x,y x,y …' in pixels; empty: a grid.")
    ] = "",
    entities: Annotated[
        int, typer.Option(min=0, max=64, help="Points on those of so many parts that move.")
    ] = 0,
    on: Annotated[str, typer.Option(help="Points on what the model itself finds: 'red mug'.")] = "",
    find: Annotated[str, typer.Option(help="Points on what a detector finds: 'red mug. drawer'.")] = "",
    grid: Annotated[int, typer.Option(min=2, max=32, help="Side of the grid of keypoints.")] = 8,
    n_points: Annotated[int, typer.Option(min=1, max=1024, help="Points for --entities and --find.")] = 64,
    samples: Annotated[int, typer.Option(min=1, max=64, help="How many futures to draw.")] = 5,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Seed of the noise.")] = 0,
    stream: Annotated[bool, typer.Option("--stream", help="Pictures of the folder are a video.")] = False,
    rate_hz: Annotated[float, typer.Option(min=0.1, help="Frames per second taken of a video.")] = 10.0,
    every: Annotated[int, typer.Option(min=1, help="Answer every n-th frame of a video.")] = 1,
    frames: Annotated[int, typer.Option(min=0, help="Frames taken of a video; 0: all.")] = 0,
    detector: Annotated[str, typer.Option(help="Grounding DINO: folder or name; for --find.")] = "",
    segmenter: Annotated[str, typer.Option(help="SAM: folder or name; for --find.")] = "",
    box_threshold: Annotated[float, typer.Option(min=0, max=1, help="How sure of a box; for --find.")] = 0.3,
) -> None:
    """Predict 3D traces from pictures and a sentence: overlay PNG, interactive HTML, JSON."""
    from mu0.inference.limits import check_text
    from mu0.inference.questions import Choice

    text = typed_text(text)
    is_video = image.suffix.lower() in VIDEOS or (stream and image.is_dir())
    if not text.strip() and image.suffix.lower() != ".csv":
        raise PredictionError(
            "There is no text.", expected="what is going to happen", remedy="add --text 'pick up the mug'."
        )
    for option, given in (("--text", text), ("--on", on)):
        if given:
            check_text(given, option)
    call = Call(text, checkpoint, depth, history, samples, seed, rate_hz, every, frames)
    choice = Choice(points, entities, on, find, grid, n_points, seed)
    _require_one_choice(choice)
    finder = _finder(detector, segmenter, box_threshold) if find else None
    answer = _answer_stream if is_video else _answer_pictures
    with place_for(out):
        answer(image, call, choice, out, finder)


def _answer_pictures(place: Path, call: Call, choice: "Choice", out: Path, finder: "Finder | None") -> None:
    from dataclasses import replace

    from mu0.inference.answers import unique_stems, write_answer
    from mu0.inference.asks import make_asks, require_a_picture
    from mu0.inference.batch import predict_batch
    from mu0.inference.history import count_hidden
    from mu0.inference.questions import questions_in
    from mu0.model.predictor import TracePredictor

    questions = questions_in(place, call.text)
    if call.depth or call.history:
        if len(questions) > 1 or place.suffix.lower() == ".csv":
            raise PredictionError(
                f"--depth and --history belong to one picture; {place} holds {len(questions)} questions.",
                expected="one picture",
                remedy="name depth and history of each picture in a table.",
            )
        questions = [replace(questions[0], depth=call.depth, history=call.history)]
    require_a_picture(questions)  # what is easily wrong is told before the model is loaded
    predictor = TracePredictor.from_folder(call.checkpoint)
    config = predictor.model.config
    _say_what_is_not_known(predictor, choice)
    found = make_asks(questions, choice, config.history_len, finder, predictor)
    for question, ask in zip(found.questions, found.asks, strict=True):
        n_hidden = count_hidden(ask.queries.history_uvz, config.history_group)
        if n_hidden:
            typer.echo(
                f"{question.history}: the past of {n_hidden} keypoints is not looked at; "
                f"this model reads {config.history_group} known steps at a time.",
                err=True,
            )
    answers = predict_batch(predictor, found.asks, call.samples, call.seed)
    stems = unique_stems([question.image for question in found.questions])
    for question, stem, ask, traces in zip(found.questions, stems, found.asks, answers, strict=True):
        for made in write_answer(out / stem, question.image, ask, traces, call.facts):
            typer.echo(str(made))
    if found.refused:
        typer.echo(f"{len(found.refused)} of {len(questions)} questions are left out:", err=True)
    for _, error in found.refused:
        typer.echo(f"  {error.found} To do: {error.remedy}", err=True)


def _answer_stream(place: Path, call: Call, choice: "Choice", out: Path, finder: "Finder | None") -> None:
    from itertools import chain, islice

    from mu0.inference.answers import unique_stems, write_stream
    from mu0.inference.pictures import read_picture
    from mu0.inference.questions import chosen_px, film_in
    from mu0.inference.stream import follow, predict_stream
    from mu0.model.predictor import TracePredictor
    from mu0.records import Observation
    from mu0.sources.containers.video import iter_frames
    from mu0.viewer.overlay import write_overlay

    if call.depth or call.history:
        raise PredictionError(
            f"--depth and --history belong to one picture; {place} is a video.",
            expected="a picture",
            remedy="leave them out; the past of a video is what was seen in it. In Python, "
            "predict_stream takes depth with every frame.",
        )
    row = film_in(place) if place.is_dir() else None
    if row is not None and (note := row.note()):
        typer.echo(f"{place}: {note}", err=True)
    source = iter_frames(place, call.rate_hz) if row is None else map(read_picture, row.frames)
    images = islice(source, call.frames or None)
    predictor = TracePredictor.from_folder(call.checkpoint)
    first = next(images, None)
    if first is None:
        raise PredictionError(
            f"{place} holds no frame.", expected="a video", remedy="check that it plays in a player."
        )
    _say_what_is_not_known(predictor, choice)
    points_px = chosen_px(Observation(first, call.text), choice, finder, predictor)
    (stem,) = unique_stems([place])
    answers = []
    stream = follow(chain([first], images), points_px)
    for answer in predict_stream(predictor, stream, call.text, call.samples, call.seed, every=call.every):
        answers.append(answer)
        if answer.traces is not None:
            overlay = out / f"{stem}_frames" / f"{answer.number:06d}.png"
            write_overlay(overlay, answer.frame.image, answer.traces.uvz[0], moves=answer.traces.moves)
            typer.echo(f"{overlay}  {len(answer.seen)} of {len(points_px)} keypoints")
    goal = out / f"{stem}.npz"
    write_stream(goal, answers, len(points_px))
    typer.echo(str(goal))


def _say_what_is_not_known(predictor: "TracePredictor", choice: "Choice") -> None:
    """A model that never saw resting points lets all keypoints move: a person must know before looking."""
    if predictor.knows_what_moves or choice.keypoints or choice.on or choice.phrase:
        return
    where = "go on all entities" if choice.entities else "form a grid"
    typer.echo(
        "This model was trained on moving points alone (resting_share 0) and does not say what moves: "
        f"keypoints {where}, and those on what rests fly along. Choose with --points or --find, or train "
        "with world_model.train.resting_share above 0.",
        err=True,
    )


def _require_one_choice(choice: "Choice") -> None:
    given = {
        "--points": choice.keypoints,
        "--entities": choice.entities,
        "--on": choice.on,
        "--find": choice.phrase,
    }
    named = [option for option, value in given.items() if value]
    if len(named) > 1:
        raise PredictionError(
            f"{' and '.join(named)} are given together.",
            expected="one way to choose keypoints",
            remedy="leave all but one out.",
        )


def _finder(detector: str, segmenter: str, box_threshold: float) -> "Finder":
    from mu0.inference.finder import DETECTOR, SEGMENTER, Finder, FinderModels

    models = FinderModels(detector or DETECTOR, segmenter or SEGMENTER, box_threshold)
    return Finder(models)


def register(app: typer.Typer, people_errors: Callable[[Callable[..., None]], Callable[..., None]]) -> None:
    """Add the command to the application."""
    app.command()(people_errors(predict))
