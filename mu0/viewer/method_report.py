"""The folder `reports/benchmark_traces`: tables for programs, a page for people, figures, panels.

table.parquet, table.csv   one row per method, split, points and horizon; every error with its interval
comparisons.parquet, .csv  paired comparisons with μ0
by_phase.parquet, .csv     errors by method, source, phase, entity and horizon, with intervals
gripper.parquet, .csv      errors of the gripper's path, asked about alone, by method, source and phase
resting.parquet, .csv      false motion of keypoints that rest, and AUROC of P(moves), by method and source
table.md                   the tables in Markdown
summary.json               what was asked, of whom, and the headline numbers
figures/, panels/          PNG; a panel shows one held-out moment, the truth and every method
index.html                 everything on one self-contained page
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from mu0.dataset.evaluation import EvaluationSample
from mu0.evaluation.benchmark.answers import Answers
from mu0.evaluation.benchmark.comparison import REFERENCE, MethodBenchmark
from mu0.evaluation.benchmark.methods import label_of
from mu0.evaluation.benchmark.tables import all_tables, fine_print, markdown, opening, split_label
from mu0.files import write_json
from mu0.viewer.method_figures import write_method_figures
from mu0.viewer.overlay import draw_traces, write_png
from mu0.viewer.page import picture, table, text, write_page

PANEL_PX = 320
COLUMNS = 4
BAR_PX = 26
CAPTIONS = {
    "methods": "Every method on held-out episodes, with 95 % intervals.",
    "horizons": "The error grows with the length of the trace.",
    "splits": "Held-out episodes of each source, and what no method was trained on.",
    "error_and_time": "What an answer costs on this machine.",
    "error_by_phase": "First futures by phase, whose points are asked about apart, with 95 % intervals.",
}


def write_method_report(
    folder: Path, questions: Sequence[EvaluationSample], benchmark: MethodBenchmark, n_panels: int
) -> None:
    """Write everything into `folder`, which exists."""
    frames = {"table": benchmark.table, "comparisons": benchmark.comparisons, "resting": benchmark.resting}
    frames |= {"by_phase": benchmark.by_phase, "gripper": benchmark.gripper}
    for name, frame in frames.items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
        frame.to_csv(folder / f"{name}.csv", index=False, float_format="%.6g")
    (folder / "table.md").write_text(markdown(benchmark))
    write_json(folder / "summary.json", _summary(questions, benchmark))
    figures = write_method_figures(folder / "figures", benchmark)
    panels = _write_panels(folder / "panels", questions, benchmark.answers, n_panels)
    _write_page(folder / "index.html", benchmark, figures, panels)


def _summary(questions: Sequence[EvaluationSample], benchmark: MethodBenchmark) -> dict[str, object]:
    settings = benchmark.settings
    return {
        "headline": benchmark.flat_metrics(),
        "headline_metric": benchmark.headline,
        "n_questions": len(questions),
        "n_keypoints": int(sum(len(question.truth_uvz) for question in questions)),
        "n_samples": settings.n_samples,
        "horizons": list(settings.horizons),
        "seed": settings.seed,
        "methods": {one.name: one.facts for one in benchmark.answers},
    }


def _write_page(
    goal: Path, benchmark: MethodBenchmark, figures: Sequence[Path], panels: Sequence[tuple[Path, str]]
) -> None:
    tables = all_tables(benchmark)
    own = next(place for place, one in enumerate(benchmark.answers) if one.name == REFERENCE)
    parts = [f"<h1>The trace benchmark</h1><p>{text(opening(benchmark))}</p>"]
    for number, one in enumerate(tables):
        is_by_method = one.header[0] == "method" and len(one.rows) == len(benchmark.answers)
        best = own if is_by_method else None
        parts.append(f"<h2>{text(one.title)}</h2>{table(one.header, one.rows, best)}")
        if number == 0:
            parts += [picture(path, CAPTIONS[path.stem]) for path in figures]
    parts.append("<h2>Same moments, all methods</h2>")
    parts += [picture(path, caption) for path, caption in panels]
    parts.append(f"<footer>{text(fine_print(benchmark))}</footer>")
    write_page(goal, "The trace benchmark of mu0", f"<main>{''.join(parts)}</main>", [])


def _write_panels(
    folder: Path, questions: Sequence[EvaluationSample], answers: Sequence[Answers], n_panels: int
) -> list[tuple[Path, str]]:
    """Evenly spaced moments of every source in turn: no picking of nice ones."""
    folder.mkdir()
    borders = np.cumsum([0, *(len(question.truth_uvz) for question in questions)])
    panels = []
    for number, place in enumerate(choose_moments(questions, n_panels)):
        question = questions[place]
        keypoints = slice(int(borders[place]), int(borders[place + 1]))
        futures = {label_of(one.name): one.uvz[0, keypoints] for one in answers}
        path = folder / f"{number}.png"
        write_png(path, _panel(question, futures))
        words = (
            f"{split_label(question.source)}: “{question.observation.instruction}” ({question.episode_id}, "
        )
        panels.append((path, f"{words}frame {question.frame_index}); first future of each method"))
    return panels


def choose_moments(questions: Sequence[EvaluationSample], n: int) -> list[int]:
    """At most `n` places, the same number of each source, evenly spaced within it."""
    by_source: dict[str, list[int]] = {}
    for place, question in enumerate(questions):
        by_source.setdefault(question.source, []).append(place)
    chosen = []
    for number, places in enumerate(by_source.values()):
        share = n // len(by_source) + (number < n % len(by_source))
        middles = (np.arange(min(share, len(places))) + 0.5) * len(places) / max(min(share, len(places)), 1)
        chosen += [places[int(middle)] for middle in middles]
    return chosen


def _panel(
    question: EvaluationSample, futures: dict[str, Float[np.ndarray, "q step 3"]]
) -> UInt8[np.ndarray, "h w 3"]:
    anchor = question.queries.anchor_uvz[:, None]
    shown = np.concatenate([np.ones((len(anchor), 1), bool), question.valid], axis=1)
    tiles = []
    for name, uvz in {"truth": question.truth_uvz, **futures}.items():
        traces = np.concatenate([anchor, uvz.astype(anchor.dtype)], axis=1)
        drawn = draw_traces(question.observation.image, traces, shown)
        height = round(drawn.shape[0] * PANEL_PX / drawn.shape[1])
        bar = np.full((BAR_PX, PANEL_PX, 3), 255, np.uint8)
        plain = name.replace("μ", "mu")  # OpenCV's letters are ASCII
        cv2.putText(bar, plain, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
        tiles.append(np.vstack([bar, cv2.resize(drawn, (PANEL_PX, height), interpolation=cv2.INTER_AREA)]))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % COLUMNS)
    rows = [np.hstack(tiles[first : first + COLUMNS]) for first in range(0, len(tiles), COLUMNS)]
    return np.vstack(rows)
