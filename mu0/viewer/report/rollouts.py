"""The report's section on closed-loop rollouts."""

from typing import Any

from mu0.files import inside, read_json
from mu0.viewer.actors import EMPTY, LEVELS, NAMES, REFUSALS, SCORES, TASKS, percent, span
from mu0.viewer.page import table, text, video
from mu0.viewer.report.page import Page, Shown

SIGNIFICANT_P = 0.05
MOST_REASONS = 3


def rollouts(shown: Shown, page: Page) -> None:
    """Success of every actor with its interval, the paired comparison, and videos."""
    summary = read_json(shown["ur3_report"] / "summary.json")
    task = summary["setting"]["task"]
    page.parts.append(f"<h2>UR3, {text(TASKS.get(task, task))}: from traces to actions</h2>")
    page.parts.append(
        f'<p class="note">{text(summary["scale"])}. Every actor meets the same '
        f"{summary['setting']['n_rollouts']} scenes, none of which were in the demonstrations. "
        f"Intervals are Wilson’s, 95 %. Score: {text(SCORES.get(task, 'the partial success'))}, mean. "
        f"{_of_trace_policy(summary)}</p>"
    )
    header = [
        "actor", "success", "rate", "95 % interval", "score", "reached", "grasped", "lifted", "why it failed",
        "ms per plan",
    ]  # fmt: skip
    page.parts.append(table(header, [_row(name, actor) for name, actor in summary["actors"].items()]))
    page.parts.append("<h3>Solved, by kind of thing</h3>" + _by_kind(summary["actors"]))
    if len(summary["levels"]) > 1:
        page.parts.append("<h3>Solved, by how far the scenes leave what was learned from</h3>")
        page.parts.append(_by_level(summary["levels"]))
    if summary["smallest_difference"] is not None:
        page.parts.append(
            '<p class="note">The smallest difference that these scenes could show, if all that differ fell '
            f"to one side: {100 * summary['smallest_difference']:.0f} points.</p>"
        )
    for pair in summary["paired"]:
        page.parts.append(f'<p class="note">{text(_verdict(pair))}</p>')
    videos = [
        video(
            inside(shown["ur3_report"], clip["file"]),
            _caption(clip),
        )
        for clip in summary["videos"]
    ]
    page.parts.append(f'<div class="grid videos">{"".join(videos)}</div>')


def _of_trace_policy(summary: dict[str, Any]) -> str:
    """How to read its videos, or why it is missing."""
    if "trace_policy" in summary["actors"]:
        return (
            "In the trace policy’s videos blue lines are where it expects the gripper to go, orange ones the "
            "thing."
        )
    return "The trace policy is missing: no controller for this task."


def _row(name: str, actor: dict[str, Any]) -> list[str]:
    success = actor["success"]
    return [
        NAMES.get(name, name),
        f"{success['n_successes']}/{success['n_trials']}",
        percent(success["rate"]),
        span(success["low"], success["high"]),
        f"{actor['mean_score']:.2f}",
        *(percent(actor[name]["rate"]) for name in ("reached", "grasped", "lifted")),
        _reasons(actor["reasons"]),
        EMPTY if name == "demonstrator" else f"{actor['mean_ms_per_plan']:.0f}",
    ]


def _reasons(counts: dict[str, int]) -> str:
    """The most frequent first; refusals in words."""
    most = sorted(counts.items(), key=lambda one: -one[1])[:MOST_REASONS]
    return "; ".join(f"{REFUSALS.get(reason, reason)} ({count})" for reason, count in most)


def _by_kind(actors: dict[str, Any]) -> str:
    """Actors below each other, kinds of things side by side."""
    kinds = sorted({kind for actor in actors.values() for kind in actor["success_by_kind"]})
    rows = []
    for name, actor in actors.items():
        found = [actor["success_by_kind"].get(kind) for kind in kinds]
        cells = [EMPTY if one is None else f"{one['n_successes']}/{one['n_trials']}" for one in found]
        rows.append([NAMES.get(name, name), *cells])
    return table(["actor", *kinds], rows)


def _by_level(levels: dict[str, Any]) -> str:
    """Actors below each other, levels side by side, with what chance allows."""
    actors = list(next(iter(levels.values())))
    rows = [
        [NAMES.get(actor, actor), *(_share(of_level.get(actor)) for of_level in levels.values())]
        for actor in actors
    ]
    return table(["actor", *(LEVELS.get(level, level) for level in levels)], rows)


def _share(rate: dict[str, Any] | None) -> str:
    if rate is None:
        return EMPTY
    return (
        f"{rate['n_successes']}/{rate['n_trials']} ({span(rate['low'], rate['high'])}), "
        f"score {rate['mean_score']:.2f}"
    )


def _caption(clip: dict[str, Any]) -> str:
    name = clip.get("reason", "").partition(":")[0]
    why = f" ({REFUSALS.get(name, name)})" if name else ""
    return f"{NAMES.get(clip['actor'], clip['actor'])}: {clip['outcome']}{why} “{clip['instruction']}”"


def _verdict(pair: dict[str, Any]) -> str:
    first, second = (NAMES.get(pair[name], pair[name]) for name in ("first", "second"))
    better, worse = (first, second) if pair["difference"] > 0 else (second, first)
    conclusion = "No difference is shown."
    if pair["mcnemar_exact_p"] < SIGNIFICANT_P:
        conclusion = f"More often successful: {better}, not {worse}."
    return (
        f"“{first}” against “{second}”, paired over {pair['n_pairs']} scenes: only the first succeeds in "
        f"{pair['n_only_first']}, only the second in {pair['n_only_second']}; McNemar’s exact "
        f"p = {pair['mcnemar_exact_p']:.2g}. {conclusion} One training each: another seed may change it."
    )
