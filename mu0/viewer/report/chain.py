"""The report's opening: the headline numbers, and every step of the chain with what came out of it."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from mu0.errors import StageError
from mu0.files import read_json
from mu0.viewer.page import text
from mu0.viewer.report.page import Page, Shown

HEADER_BYTES = 8
BADGES = {"passed": "checks passed", "warned": "passed with warnings", "failed": "checks failed"}


SOLVED = {
    "grounded": "an action expert that μ0 tells where the thing is",
    "trace_policy": "predicted traces alone, no action learned",
}


def hero(shown: Shown, page: Page) -> None:
    """Title, scale, and the few numbers that a visitor wants first."""
    traces = read_json(shown["trace_report"] / "summary.json")["headline"]
    rollouts = read_json(shown["ur3_report"] / "summary.json")
    profile = read_json(shown["world_model"] / "meta.json")
    quality = _table(shown["extracted_traces"] / "quality.parquet")
    numbers = [
        (f"{(quality['status'] == 'ok').sum()}", "videos turned into 3D traces"),
        (
            f"{100 * traces['mu0_ade_m']:.1f} cm",
            f"μ0’s mean error; nothing moves: {100 * traces['static_ade_m']:.1f} cm",
        ),
        (f"{100 * traces['mu0_best5_ade_m']:.1f} cm", "the same, best of 5 samples"),
        *[
            (
                f"{actor['success']['n_successes']}/{actor['success']['n_trials']}",
                f"UR3 scenes solved: {what}",
            )
            for name, what in SOLVED.items()
            if (actor := rollouts["actors"].get(name))
        ],
    ]
    cards = "".join(
        f'<div class="number"><b>{text(value)}</b><span>{text(what)}</span></div>' for value, what in numbers
    )
    page.parts.append(
        '<header class="hero"><div><h1>From videos to a policy</h1>'
        f"<p>One run of the chain on simulated videos, held-out scenes, {text(profile['label'])}. "
        "Small models, trained in minutes: these are the demo’s numbers, not the paper’s.</p>"
        f'<div class="numbers">{cards}</div></div></header>'
    )


def chain(shown: Shown, page: Page) -> None:
    """A card per artifact: what it is, how much of it there is, and how its checks went."""
    cards = "".join(
        f"<li><b>{text(name)}</b><span>{text(describe(shown))}</span>{_badge(shown.checks.get(name))}</li>"
        for name, describe in DESCRIBE.items()
    )
    page.parts.append(f'<h2>The chain</h2><ol class="chain">{cards}</ol>')


def _badge(report: Path | None) -> str:
    if report is None:
        return ""
    results = read_json(report)["results"]
    failed = [result for result in results if not result["success"]]
    state = "failed" if any(r["severity"] == "critical" for r in failed) else "warned" if failed else "passed"
    return f'<i class="badge {state}">{len(results) - len(failed)}/{len(results)} {BADGES[state]}</i>'


def _table(path: Path) -> pd.DataFrame:
    if not path.exists():
        raise StageError(
            f"{path} is missing.", expected="a table of an earlier stage", remedy="run `mu0 run`."
        )
    return pd.read_parquet(path)


def _raw_videos(shown: Shown) -> str:
    index = _table(shown["raw_videos"] / "index.parquet")
    ok = index[index["status"] == "ok"]
    sources = ", ".join(f"{count} {source}" for source, count in ok["source"].value_counts().items())
    return f"{len(ok)} clips, {ok['n_frames'].sum():,.0f} frames ({sources}); {len(index) - len(ok)} failed"


def _extracted_traces(shown: Shown) -> str:
    quality = _table(shown["extracted_traces"] / "quality.parquet")
    ok = quality[quality["status"] == "ok"]
    n_without = len(quality) - len(ok)
    return f"{len(ok)} episodes, {ok['n_rows'].sum():,.0f} traces; {n_without} clips without"


def _captions(shown: Shown) -> str:
    captions = _table(shown["captions"] / "captions.parquet")
    return f"{len(captions):,} captions of events and merged windows"


def _trace_dataset(shown: Shown) -> str:
    slots = _table(shown["trace_dataset"] / "index.parquet")
    parts = ", ".join(f"{count:,} {split}" for split, count in slots["split"].value_counts().items())
    return f"windows by scene: {parts}"


def _world_model(shown: Shown) -> str:
    return _model(shown["world_model"])


def _model(folder: Path) -> str:
    meta = read_json(folder / "meta.json")
    steps = meta["steps"] if "steps" in meta else meta["params"]["steps"]
    return f"{_n_parameters(folder / 'model.safetensors') / 1e6:.1f} M parameters, {steps:,} steps"


def _n_parameters(weights: Path) -> int:
    """Numbers in a safetensors file, read from its header alone."""
    with weights.open("rb") as stream:
        header = json.loads(stream.read(int.from_bytes(stream.read(HEADER_BYTES), "little")))
    return sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")


def _demonstrations(shown: Shown) -> str:
    info = read_json(shown["demonstrations"] / "meta/info.json")
    return f"{info['total_episodes']} episodes, {info['total_frames']:,} frames (LeRobotDataset v3.0)"


def _action_expert(variant: str) -> Callable[[Shown], str]:
    def describe(shown: Shown) -> str:
        return _model(shown[f"action_expert_ur3_{variant}"])

    return describe


def _ur3_report(shown: Shown) -> str:
    setting = read_json(shown["ur3_report"] / "summary.json")["setting"]
    return f"{setting['n_rollouts']} rollouts per actor"


DESCRIBE: dict[str, Callable[[Shown], str]] = {
    "raw_videos": _raw_videos,
    "extracted_traces": _extracted_traces,
    "captions": _captions,
    "trace_dataset": _trace_dataset,
    "world_model": _world_model,
    "demonstrations": _demonstrations,
    "action_expert_ur3_mu0": _action_expert("mu0"),
    "action_expert_ur3_no_trace": _action_expert("no_trace"),
    "action_expert_ur3_grounded": _action_expert("grounded"),
    "ur3_report": _ur3_report,
    "trace_report": lambda shown: (
        f"{read_json(shown['trace_report'] / 'summary.json')['n_samples_evaluated']} held-out moments"
    ),
}
