"""One page about a policy of anyone's robot: held-out errors beside those of who does not look."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mu0.viewer.page import table, text, write_page

METHODS = {"policy": "policy", "hold": "hold the last command", "mean_chunk": "mean chunk"}
DIGITS = 4
MOST_STEPS = 8


def write_action_page(goal: Path, report: Mapping[str, Any]) -> None:
    """Write the page of `report.json`.

    Args:
        goal: An .html file.
        report: As `mu0 learn` writes it.
    """
    scores, robot = report["held_out"], report["embodiment"]
    parts = [
        f"<h1>Policy for {text(robot['name'])}</h1>",
        f"<p>{text(_opening(report))}</p>",
        "<h2>Error of planned commands, in spreads of the training commands</h2>",
        table(("", *METHODS.values()), [("all dimensions", *_intervals(scores["in_spreads"]))]),
        "<h2>Error of each dimension, in its own unit</h2>",
        table(
            ("dimension", *METHODS.values(), "policy less hold"),
            [
                (name, *_intervals(row), _interval(row["policy_minus_hold"]))
                for name, row in scores["per_dimension"].items()
            ],
        ),
        "<h2>Error by step of the chunk, in spreads</h2>",
        table(("step", *METHODS.values()), _steps(scores["per_step"])),
        "<h2>Open-loop replay, in spreads</h2>",
        table(("commands", *METHODS.values()), [_replay(scores["replay"])]),
    ]
    if scores["gripper_f1"]:
        parts += [
            "<h2>Gripper F1</h2>",
            table(
                ("gripper", *METHODS.values()),
                [(name, *_intervals(row)) for name, row in scores["gripper_f1"].items()],
            ),
        ]
    parts += _left_out(report["data"]["unusable"])
    write_page(goal, f"Policy for {robot['name']}", f"<main>{''.join(parts)}</main>", [])


def _opening(report: Mapping[str, Any]) -> str:
    data, scores, training = report["data"], report["held_out"], report["training"]
    return (
        f"Variant {report['variant']}, {training['steps']} steps on {data['n_train_rows']} rows of "
        f"{data['n_usable']} usable episodes in {data['folder']}. Held out: {data['held_out']}; "
        f"{scores['n_windows']} windows in {scores['n_episodes']} episodes. "
        + (
            "Intervals: 95 %, whole episodes resampled."
            if scores["n_episodes"] > 1
            else "One held-out episode: there are no intervals, and nothing is said about other recordings."
        )
    )


def _intervals(row: Mapping[str, Any]) -> list[str]:
    return [_interval(row[method]) for method in METHODS]


def _interval(found: Mapping[str, float | None]) -> str:
    mean, low, high = (found[key] for key in ("mean", "low", "high"))
    if mean is None:
        return "–"
    return f"{mean:.{DIGITS}g}" if low is None else f"{mean:.{DIGITS}g} [{low:.{DIGITS}g}, {high:.{DIGITS}g}]"


def _steps(per_step: Mapping[str, Any]) -> list[list[str]]:
    """Some steps of the chunk, the first and the last among them."""
    n_steps = len(per_step["policy"]["in_spreads"])
    shown = sorted({round(i * (n_steps - 1) / (MOST_STEPS - 1)) for i in range(MOST_STEPS)})
    return [
        [str(step + 1), *(f"{per_step[method]['in_spreads'][step]:.{DIGITS}g}" for method in METHODS)]
        for step in shown
    ]


def _replay(replay: Mapping[str, Any]) -> list[str]:
    return [str(replay["n_commands"]), *(f"{replay['in_spreads'][method]:.{DIGITS}g}" for method in METHODS)]


def _left_out(unusable: Mapping[str, str]) -> list[str]:
    if not unusable:
        return []
    return [
        f"<h2>{len(unusable)} episodes were left out</h2>",
        table(("episode", "why"), list(unusable.items())),
    ]
