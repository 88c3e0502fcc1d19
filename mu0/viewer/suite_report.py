"""One page about the whole suite: success of every actor in every task, the average, and its interval."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mu0.viewer.actors import EMPTY, LEVELS, NAMES, SCORES, TASKS, percent, span
from mu0.viewer.page import table, text, write_page

USUAL = "in_distribution"
SIGNIFICANT_P = 0.05
TITLE = "UR3 suite"


def write_suite_page(goal: Path, suite: Mapping[str, Any]) -> None:
    """Write the page of `suite.json`.

    Args:
        goal: An .html file.
        suite: As `mu0.evaluation.policies.suite.summarize_suite` makes it.
    """
    others = [level for level in suite["levels"] if level != USUAL]
    parts = [
        "<h2>Success by task</h2>",
        f'<p class="note">{text(_opening(suite))}</p>',
        _rates(suite, USUAL),
        "<h2>Mean score by task</h2>",
        f'<p class="note">{text(_of_scores(suite["tasks"]))}</p>',
        _scores(suite, USUAL),
        "<h2>Paired comparisons, all tasks together</h2>",
        *(f'<p class="note">{text(_verdict(pair))}</p>' for pair in suite["paired"]),
        f'<p class="note">{text(_smallest(suite))}</p>',
    ]
    for level in others:
        parts += [f"<h2>{text(LEVELS.get(level, level).capitalize())}</h2>", _rates(suite, level)]
    parts += [f"<footer>{_footer(suite)}</footer>"]
    write_page(goal, TITLE, f"{_hero(suite)}<main>{''.join(parts)}</main>", [])


def _hero(suite: Mapping[str, Any]) -> str:
    """The best policy's average and rates."""
    best, actors = suite["best_policy"], suite["levels"][USUAL]["actors"]
    numbers = []
    if best is not None:
        cells, average = actors[best]["tasks"], actors[best]["average"]
        numbers = [(percent(average["rate"]), f"average, {span(average['low'], average['high'])}")]
        numbers += [(f"{one['n_successes']}/{one['n_trials']}", _name(task)) for task, one in cells.items()]
    cards = "".join(
        f'<div class="number"><b>{text(value)}</b><span>{text(what)}</span></div>' for value, what in numbers
    )
    who = f"The best policy: {NAMES.get(best, best)}." if best else "No policy acts in every task."
    return (
        f'<header class="hero"><div><h1>{TITLE}</h1><p>{text(who)} Scale: {text(suite["scale"])}.</p>'
        f'<div class="numbers">{cards}</div></div></header>'
    )


def _name(task: str) -> str:
    return TASKS.get(task, task)


def _opening(suite: Mapping[str, Any]) -> str:
    n_scenes = suite["levels"][USUAL]["n_scenes"]
    counts = ", ".join(f"{_name(task)} {n}" for task, n in n_scenes.items())
    return (
        f"Scenes like the demonstrations’, none of them among those: {counts}; the same for every actor of a "
        f"task. Intervals of tasks are Wilson’s, 95 %; of averages: {suite['interval_of_averages']}. An "
        "actor that is missing in a task has no controller for it, and no average. One training each; "
        "another seed may change the order."
    )


def _of_scores(tasks: list[str]) -> str:
    known = [f"{_name(task)}: {SCORES[task]}" for task in tasks if task in SCORES]
    return f"{'; '.join(known)}. 1 is as well as can be.".capitalize()


def _rates(suite: Mapping[str, Any], level: str) -> str:
    """A row per actor: the average with its interval, and the successes of each task with theirs."""
    rows = [
        [
            NAMES.get(actor, actor),
            EMPTY if (average := one["average"]) is None else _with(average, "rate", "low", "high"),
            *(_rate(one["tasks"][task]) for task in suite["tasks"]),
        ]
        for actor, one in suite["levels"][level]["actors"].items()
    ]
    return table(["actor", "average", *map(_name, suite["tasks"])], rows, _row_of(suite, level))


def _scores(suite: Mapping[str, Any], level: str) -> str:
    rows = []
    for actor, one in suite["levels"][level]["actors"].items():
        cells = [one["tasks"][task] for task in suite["tasks"]]
        average = one["average"]
        told = EMPTY
        if average is not None:
            told = f"{average['mean_score']:.2f} ({average['score_low']:.2f} to {average['score_high']:.2f})"
        shown = [EMPTY if cell is None else f"{cell['mean_score']:.2f}" for cell in cells]
        rows.append([NAMES.get(actor, actor), told, *shown])
    return table(["actor", "average", *map(_name, suite["tasks"])], rows, _row_of(suite, level))


def _row_of(suite: Mapping[str, Any], level: str) -> int | None:
    """The row of the best policy."""
    actors = list(suite["levels"][level]["actors"])
    return actors.index(suite["best_policy"]) if suite["best_policy"] in actors else None


def _rate(cell: Mapping[str, Any] | None) -> str:
    if cell is None:
        return EMPTY
    return f"{cell['n_successes']}/{cell['n_trials']} ({span(cell['low'], cell['high'])})"


def _with(found: Mapping[str, float], mean: str, low: str, high: str) -> str:
    return f"{percent(found[mean])} ({span(found[low], found[high])})"


def _verdict(pair: Mapping[str, Any]) -> str:
    first, second = (NAMES.get(pair[name], pair[name]) for name in ("first", "second"))
    shown = "A difference is shown." if pair["mcnemar_exact_p"] < SIGNIFICANT_P else "No difference is shown."
    ends = [f"{100 * pair[end]:+.0f}" for end in ("low", "high")]
    return (
        f"“{first}” against “{second}”: {100 * pair['difference']:+.0f} points of the average "
        f"({ends[0]} to {ends[1]}); of {pair['n_pairs']} scenes only the first succeeds in "
        f"{pair['n_only_first']}, only the second in {pair['n_only_second']}; McNemar’s exact "
        f"p = {pair['mcnemar_exact_p']:.2g}. {shown}"
    )


def _smallest(suite: Mapping[str, Any]) -> str:
    if suite["smallest_difference"] is None:
        return "So few scenes could show no difference at all."
    return (
        "The smallest difference of averages that these scenes could show, if all that differ fell to one "
        f"side: {100 * suite['smallest_difference']:.1f} points."
    )


def _footer(suite: Mapping[str, Any]) -> str:
    protocol = ", ".join(f"{name} {value}" for name, value in suite["protocol"].items())
    horizons = ", ".join(f"{_name(task)} {steps}" for task, steps in suite["horizon_steps"].items())
    folders = ", ".join(suite["folders"].values())
    return text(f"Protocol: {protocol}; steps of 0.1 s at most: {horizons}. Made of {folders}.")
