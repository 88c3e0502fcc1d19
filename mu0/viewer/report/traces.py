"""The report's sections on traces: predictions in 3D, the benchmark, and how true extracted traces are."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from jaxtyping import Float

from mu0.errors import StageError
from mu0.files import inside, read_json
from mu0.viewer.episode.scenes import episode_scenes
from mu0.viewer.page import picture, scene_slot, table, text
from mu0.viewer.report.page import Page, Shown
from mu0.viewer.scene import Layer, assumed_intrinsics, make_scene, unproject_uvz

MOST_PREDICTIONS = 6
TRUTH_COLOUR = "#e8eef5"
LEGEND = (
    '<div class="legend-row"><span>now</span><div class="legend"></div><span>end of the trace</span></div>'
)
NAMES = {
    "mu0": "μ0",
    "mu0_history": "μ0, with the past",
    "static": "static",
    "constant_velocity": "constant velocity",
}
AUDIT = {
    "average_points_within_distance": ("points within the thresholds (APD)", 100.0, "%"),
    "average_jaccard": ("average Jaccard (AJ)", 100.0, "%"),
    "occlusion_accuracy": ("occlusion accuracy (OA)", 100.0, "%"),
    "recall": ("visible frames recovered", 100.0, "%"),
    "moving_median_error_m": ("moving points, median error", 1000.0, "mm"),
    "moving_p90_error_m": ("moving points, 90th percentile", 1000.0, "mm"),
    "taught_far_share": ("places taught, hidden ones too, more than 5 cm off", 100.0, "%"),
}
CAPTION_AUDIT = {
    "boundary_f1": "events begin where something begins (F1, ± 3 frames)",
    "skill_accuracy": "skills right",
    "claims_right": "claims about motion right",
    "objects_right": "objects named rightly",
}


def predictions(shown: Shown, page: Page) -> None:
    """Interactive scenes of held-out moments: samples of μ0 beside what really happened."""
    scenes = sorted((shown["trace_report"] / "scenes").glob("*.json"), key=lambda path: int(path.stem))
    page.parts.append(
        "<h2>What μ0 expects to happen</h2>"
        '<p class="note">Held-out scenes, evenly chosen. Drag to orbit, scroll to zoom, '
        "scrub or play the time, pick a sample. White lines are what really happened.</p>" + LEGEND
    )
    slots = []
    for path in scenes[:MOST_PREDICTIONS]:
        slots.append(scene_slot(len(page.scenes)))
        page.scenes.append(_prediction(path))
    page.parts.append(f'<div class="grid">{"".join(slots)}</div>')


def benchmark(shown: Shown, page: Page) -> None:
    """The headline table with intervals, and the figures."""
    summary = read_json(shown["trace_report"] / "summary.json")
    rows = pd.read_parquet(shown["trace_report"] / "table.parquet")
    rows = rows[
        (rows["source"] == "all")
        & (rows["points"] == summary["headline_points"])
        & (rows["horizon"] == summary["headline_horizon"])
    ]
    best = f"best{summary['n_futures']}"
    page.parts.append(
        f'<h2>How far off</h2><p class="note">Mean errors of {text(summary["headline_points"])} points over '
        f"{summary['headline_horizon']} steps of path length, {summary['n_episodes']} held-out episodes. "
        "Brackets are 95 % bootstrap intervals over episodes. Baselines have one future, μ0 has samples.</p>"
    )
    header = [
        "method",
        "ADE",
        "FDE",
        "ADE in the image (uv)",
        f"ADE, best of {summary['n_futures']}",
        "time per question",
    ]
    page.parts.append(table(header, [_benchmark_row(row, summary, best) for row in rows.to_dict("records")]))
    _by_phase(summary.get("tables", []), page)
    _resting(summary.get("resting", []), page)
    figures = sorted((shown["trace_report"] / "figures").glob("*.png"))
    overlays = sorted((shown["trace_report"] / "overlays").glob("*.png"), key=lambda path: int(path.stem))
    pictures = [picture(path, path.stem.replace("_", " ")) for path in figures]
    page.parts.append(
        f'<div class="grid">{"".join(pictures)}</div><h3>Truth and first answers, side by side</h3>'
    )
    page.parts.append("".join(picture(path, "truth, μ0, μ0 with the past") for path in overlays[:3]))


def _by_phase(tables: list[dict[str, Any]], page: Page) -> None:
    """What a mean over all moments hides; nothing where nobody knows the phases."""
    for told in tables:
        page.parts.append(f'<h3>{text(told["title"])}</h3><p class="note">{text(told["note"])}</p>')
        page.parts.append(table(told["header"], told["rows"]))
        if told["warning"]:
            page.parts.append(f'<p class="note">{text(told["warning"])}</p>')


def _resting(rows: list[dict[str, Any]], page: Page) -> None:
    """What methods do with keypoints that rest; nothing where the held-out episodes have none."""
    pooled = [row for row in rows if row["source"] == "all"]
    if not pooled:
        return
    page.parts.append(
        '<h3>What rests</h3><p class="note">The same moments, asked about '
        f"{pooled[0]['n_moving']} moving and {pooled[0]['n_resting']} resting points together. False "
        "motion: how far a resting point is predicted to get from its place, median. AUROC: moving "
        "against resting points, by P(moves) or, without it, by how far a method lets them go.</p>"
    )
    header = ["method", "false motion", "beyond 3 cm", "AUROC of moves", "calibration error"]
    cells = [
        [
            NAMES.get(row["method"], row["method"]),
            _measured(row["false_motion_m"], 100.0, "cm"),
            _measured(row["false_motion_share"], 100.0, "%"),
            "–" if row["moves_auroc"] is None else f"{row['moves_auroc']:.3f}",
            "–" if row["moves_ece"] is None else f"{row['moves_ece']:.3f}",
        ]
        for row in pooled
    ]
    page.parts.append(table(header, cells))


def extraction(shown: Shown, page: Page) -> None:
    """Traces of one episode per source in 3D, and the audit against the simulator."""
    page.parts.append(
        '<h2>What TraceExtract found</h2><p class="note">Traces extracted from pixels and depth, '
        "one episode per source. Only points that move are kept.</p>"
    )
    slots = []
    for source in sorted(path for path in shown["extracted_traces"].iterdir() if path.is_dir()):
        episode = next((p for p in sorted(source.iterdir()) if (p / "samples/traj.npy").exists()), None)
        if episode is not None:
            slots.append(scene_slot(len(page.scenes)))
            captions = shown["captions"] / source.name / episode.name
            page.scenes.append(episode_scenes(episode, captions, most=1)[0])
    page.parts.append(f'<div class="grid">{"".join(slots)}</div>')
    audit = read_json(shown["trace_audit"] / "summary.json")
    if audit:
        keys = [key for key in AUDIT if any(key in row for row in audit.values())]
        rows = [
            [source, row["n_episodes"], *[_measured(row.get(key), *AUDIT[key][1:]) for key in keys]]
            for source, row in audit.items()
        ]
        page.parts.append(
            "<h3>Against the simulator’s exact truth</h3>"
            '<p class="note">Camera-space, no rescaling; nothing but this audit reads the truth.</p>'
        )
        page.parts.append(table(["source", "episodes", *[AUDIT[key][0] for key in keys]], rows))
    page.parts += caption_scores(read_json(shown["caption_audit"] / "summary.json"))


def caption_scores(audit: dict[str, Any]) -> list[str]:
    """How true the captions of simulated clips are; nothing where nothing was simulated."""
    if not audit:
        return []
    rows = [
        [source, int(row["n_episodes"]), *[_measured(row[key], 100.0, "%") for key in CAPTION_AUDIT]]
        for source, row in audit.items()
    ]
    return [
        "<h3>Captions against what the demonstrator did</h3>",
        table(["source", "episodes", *CAPTION_AUDIT.values()], rows),
    ]


def _prediction(path: Path) -> dict[str, Any]:
    moment = read_json(path)
    folder = path.parent
    image = _pixels(inside(folder, moment["image"]), cv2.IMREAD_COLOR)[..., ::-1]
    size_px = (moment["width"], moment["height"])
    depth_m = None
    if moment["depth"]:
        millimetres = _pixels(inside(folder, moment["depth"]), cv2.IMREAD_UNCHANGED)
        depth_m = millimetres.astype(np.float32) / 1000
    intrinsics = (
        np.array(moment["intrinsics"], np.float64) if moment["intrinsics"] else assumed_intrinsics(*size_px)
    )
    anchor = np.array(moment["anchor"], np.float64)
    valid = np.array(moment["valid"], bool)

    def layer(
        name: str, uvz: Float[np.ndarray, "sample q step 3"], colour: str | None, *, shown: bool
    ) -> Layer:
        kept = np.where(valid[None, ..., None], uvz, np.nan)
        start = np.broadcast_to(anchor[None, :, None], (len(uvz), len(anchor), 1, 3))
        return Layer(
            name, unproject_uvz(np.concatenate([start, kept], axis=2), intrinsics, size_px), colour, shown
        )

    layers = [
        layer(NAMES.get(name, name), np.array(samples, np.float64), None, shown=name == "mu0")
        for name, samples in moment["methods"].items()
        if name not in ("static", "constant_velocity")
    ]
    layers.append(layer("truth", np.array(moment["truth"], np.float64)[None], TRUTH_COLOUR, shown=True))
    return make_scene(
        f"{moment['episode_id']}, frame {moment['frame_index']}", np.ascontiguousarray(image), layers,
        instruction=moment["instruction"], depth_m=depth_m, intrinsics=intrinsics,
    )  # fmt: skip


def _pixels(path: Path, flags: int) -> np.ndarray:
    pixels = cv2.imread(str(path), flags)
    if pixels is None:
        raise StageError(
            f"{path} cannot be read as a picture.",
            expected="what stage trace_report wrote",
            remedy="run `dvc repro --force trace_report`.",
        )
    return pixels


def _benchmark_row(row: dict[Any, Any], summary: dict[str, Any], best: str) -> list[str]:
    headline, name = summary["headline"], str(row["method"])
    short = {"constant_velocity": "cv"}.get(name, name)
    best_m = headline.get(f"{short}_{best}_ade_m")
    return [
        NAMES.get(name, name),
        _centimetres(row, "ade_m"),
        _centimetres(row, "fde_m"),
        f"{row['ade_uv']:.3f} [{row['ade_uv_low']:.3f}, {row['ade_uv_high']:.3f}]",
        f"{100 * best_m:.1f} cm" if best_m is not None and row["n_parameters"] else "–",
        f"{1000 * row['latency_s']:.1f} ms",
    ]


def _centimetres(row: dict[Any, Any], key: str) -> str:
    return f"{100 * row[key]:.1f} cm [{100 * row[f'{key}_low']:.1f}, {100 * row[f'{key}_high']:.1f}]"


def _measured(value: float | None, scale: float, unit: str) -> str:
    return "–" if value is None else f"{scale * value:.1f} {unit}"
