"""The closed-loop report: intervals, the paired test, the telling videos."""

from pathlib import Path

import pandas as pd
import pytest

from mu0.evaluation.policies.closed_loop_report import (
    headline_metrics,
    keep_telling_videos,
    mcnemar_exact_p,
    paired_difference,
    smallest_difference,
    summarize,
    write_policy_report,
)
from mu0.files import read_json

SETTING = {"task": "pick", "n_rollouts": 10}


def table() -> pd.DataFrame:
    """mu0 succeeds in seeds 0-3, no_trace in 3-4, the demonstrator always; ten seeds."""
    successes = {"mu0": {0, 1, 2, 3}, "no_trace": {3, 4}, "demonstrator": set(range(10))}
    return pd.DataFrame(
        [
            {
                "actor": actor,
                "level": "in_distribution",
                "seed": seed,
                "object_kind": "can" if seed % 2 else "apple",
                "n_objects": 1,
                "instruction": "put the can into the sink",
                "success": seed in good,
                "reached": True,
                "grasped": seed in good,
                "lifted": seed in good,
                "score": 1.0 if seed in good else 0.25,
                "reason": "" if seed in good else "ReachError: too far",
                "n_steps": 60,
                "closest_m": 0.01,
                "n_plans": 8,
                "ms_per_plan": 20.0,
            }
            for actor, good in successes.items()
            for seed in range(10)
        ]
    )


@pytest.mark.parametrize(
    ("n_first", "n_second", "expected"),
    [(0, 0, 1.0), (5, 0, 0.0625), (0, 6, 0.03125), (3, 3, 1.0), (8, 2, 0.109375)],
)
def test_mcnemar_known_values(n_first: int, n_second: int, expected: float) -> None:
    assert mcnemar_exact_p(n_first, n_second) == pytest.approx(expected)


@pytest.mark.parametrize(("n_pairs", "expected"), [(5, None), (6, 1.0), (40, 0.15), (100, 0.06)])
def test_six_pairs_of_one_side_are_the_fewest_that_tell(n_pairs: int, expected: float | None) -> None:
    assert smallest_difference(n_pairs) == expected


def test_other_levels_are_counted_apart() -> None:
    elsewhere = table().assign(level="layouts", success=False)
    summary = summarize(pd.concat([table(), elsewhere]), SETTING)
    assert summary["actors"] == summarize(table(), SETTING)["actors"]
    assert summary["levels"]["layouts"]["demonstrator"]["n_successes"] == 0
    assert summary["levels"]["in_distribution"]["demonstrator"]["n_successes"] == 10
    assert headline_metrics(summary)["layouts"] == {"mu0": 0.0, "no_trace": 0.0, "demonstrator": 0.0}


def test_pairs_count_only_seeds_where_one_succeeds() -> None:
    pair = paired_difference(table(), "mu0", "no_trace")
    assert (pair["n_only_first"], pair["n_only_second"], pair["n_pairs"]) == (3, 1, 10)
    assert pair["difference"] == pytest.approx(0.2)
    assert pair["mcnemar_exact_p"] == pytest.approx(0.625)


def test_summary_has_every_actor_with_intervals_and_says_simulated() -> None:
    summary = summarize(table(), SETTING)
    assert summary["scale"].startswith("simulated")
    assert summary["actors"]["mu0"]["success"]["n_successes"] == 4
    assert 0 < summary["actors"]["mu0"]["success"]["low"] < 0.4 < summary["actors"]["mu0"]["success"]["high"]
    assert summary["actors"]["no_trace"]["success_by_kind"]["can"]["n_successes"] == 1
    assert summary["ceiling_success"]["rate"] == 1.0


def test_milestones_and_reasons_are_counted_and_refusals_go_by_their_name() -> None:
    actor = summarize(table(), SETTING)["actors"]["mu0"]
    assert [actor[name]["n_successes"] for name in ("reached", "grasped", "lifted", "success")] == [
        10,
        4,
        4,
        4,
    ]
    assert actor["reasons"] == {"ReachError": 6}


def test_mean_scores_count_what_was_done_in_part() -> None:
    elsewhere = table().assign(level="layouts", score=0.5)
    summary = summarize(pd.concat([table(), elsewhere]), SETTING)
    assert summary["actors"]["mu0"]["mean_score"] == pytest.approx(0.4 + 0.6 * 0.25)
    assert summary["levels"]["layouts"]["mu0"]["mean_score"] == 0.5
    assert headline_metrics(summary)["mu0"]["mean_score"] == summary["actors"]["mu0"]["mean_score"]
    assert headline_metrics(summary)["task"] == "pick"


def test_an_actor_without_success_has_no_steps_to_success() -> None:
    rows = table().assign(success=False)
    assert summarize(rows, SETTING)["actors"]["mu0"]["median_steps_to_success"] is None


def test_headline_metrics_are_numbers() -> None:
    metrics = headline_metrics(summarize(table(), SETTING))
    assert metrics["mu0"]["success_rate"] == 0.4
    assert metrics["mu0_minus_no_trace"]["difference"] == pytest.approx(0.2)


def test_report_keeps_two_videos_per_outcome(tmp_path: Path) -> None:
    recorded = tmp_path / "recorded"
    recorded.mkdir()
    rows = table()
    for row in rows.itertuples():
        (recorded / f"{row.actor}_{row.seed}.mp4").write_bytes(b"video")
    kept = keep_telling_videos(rows, recorded, tmp_path / "videos")
    assert {(k["actor"], k["outcome"]) for k in kept if k["actor"] == "mu0"} == {
        ("mu0", "success"),
        ("mu0", "failure"),
    }
    assert len(kept) == 10
    assert (tmp_path / "videos/mu0_success_0.mp4").is_file()


def test_written_files_can_be_read_again(tmp_path: Path) -> None:
    recorded = tmp_path / "recorded"
    recorded.mkdir()
    rows = table()
    for row in rows.itertuples():
        (recorded / f"{row.actor}_{row.seed}.mp4").write_bytes(b"video")
    write_policy_report(rows, SETTING, recorded, tmp_path / "report", tmp_path / "metrics.json")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "report/rollouts.parquet"), rows)
    assert read_json(tmp_path / "report/summary.json")["setting"] == SETTING
    assert read_json(tmp_path / "metrics.json")["no_trace"]["success_rate"] == 0.2
