"""All rollouts of a report: kept one by one, gone on with, and none of them takes the others along."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mu0.errors import PolicyError
from mu0.policy.embodiment import Embodiment, EmbodimentError
from mu0.policy.rollout import Rollout
from mu0.policy.rollout_journal import Job, Journal, journal_folder
from mu0.policy.trace_conditioned_policy import TraceConditionedPolicy

pytest.importorskip("mujoco")
from mu0.policy.rollout_jobs import RolloutSetting, common_task, horizon_of, other_actors, run_rollouts

SCRIPT = Job("in_distribution", "demonstrator", 50_000)


def setting_in(folder: Path) -> RolloutSetting:
    """The script alone, for three steps."""
    return RolloutSetting(folder, {}, folder, 8, 3, (64, 64), videos_per_outcome=0, others=("demonstrator",))


def row_of(seed: int, *, success: bool = True, actor: str = "mu0") -> Rollout:
    return Rollout(
        actor=actor,
        level="in_distribution",
        seed=seed,
        object_kind="can",
        n_objects=1,
        instruction="pick",
        success=success,
        reached=success,
        grasped=success,
        lifted=success,
        score=float(success),
        reason="" if success else "never came to the target",
        n_steps=10,
        closest_m=0.1,
        n_plans=2,
        ms_per_plan=1.0,
    )


def test_no_seeds_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no rollouts to run"):
        run_rollouts(setting_in(tmp_path), {"in_distribution": []}, 1)


@pytest.mark.parametrize("n_kept", [1, 2, 3])
def test_in_any_order_the_first_of_every_outcome_are_encoded(tmp_path: Path, n_kept: int) -> None:
    rng = np.random.default_rng(n_kept)
    for attempt in range(20):
        journal = Journal(tmp_path / str(attempt))
        succeeds = rng.random(12) < 0.5
        encoded = {
            int(seed)
            for seed in rng.permutation(12)
            if journal.is_telling(row_of(int(seed), success=bool(succeeds[seed])), n_kept)
        }
        for outcome in (True, False):
            assert set(np.flatnonzero(succeeds == outcome)[:n_kept].tolist()) <= encoded


def test_in_order_no_video_is_encoded_in_vain_and_without_a_number_all_are(tmp_path: Path) -> None:
    rows = [row_of(seed, success=seed > 2) for seed in range(8)]
    told = [Journal(tmp_path).is_telling(row, 2) for row in rows]
    assert told == [True, True, False, True, True, False, False, False]
    assert all(Journal(tmp_path).is_telling(row, None) for row in rows)


def test_what_was_kept_comes_back_and_what_was_begun_is_a_suspect(tmp_path: Path) -> None:
    journal, other = Journal(tmp_path), replace(SCRIPT, seed=2)
    journal.begin(SCRIPT)
    journal.begin(other)
    row = row_of(SCRIPT.seed, actor="demonstrator")
    journal.keep(SCRIPT, row)
    assert journal.holds(SCRIPT)
    assert journal.row(SCRIPT) == row
    assert journal.suspects(100.0) == [other]
    assert not journal.is_overdue(other, 100.0)
    assert journal.is_overdue(other, 0.0)
    journal.forget_started()
    assert journal.suspects(100.0) == []


def test_other_weights_and_other_settings_have_other_folders(tmp_path: Path) -> None:
    weights = tmp_path / "model"
    weights.mkdir()
    (weights / "a").write_text("1")
    first = journal_folder(tmp_path, [weights], {"n": 1})
    assert journal_folder(tmp_path, [weights], {"n": 1}) == first
    assert journal_folder(tmp_path, [weights], {"n": 2}) != first
    (weights / "a").write_text("2")
    assert journal_folder(tmp_path, [weights], {"n": 1}) != first


def test_the_trace_policy_acts_in_the_task_that_it_knows_only(tmp_path: Path) -> None:
    assert [other_actors(task) for task in ("pick", "towel")] == [
        ("trace_policy", "demonstrator"),
        ("demonstrator",),
    ]
    setting = replace(setting_in(tmp_path), task="towel", others=("trace_policy",))
    with pytest.raises(PolicyError, match="task towel: no controller for this task"):
        run_rollouts(setting, {"in_distribution": [1]}, 1)


def test_a_horizon_is_the_tasks_unless_it_is_asked_for() -> None:
    assert [horizon_of(task) for task in ("pick", "pour", "towel")] == [120, 250, 300]
    assert horizon_of("pour", 7) == 7


class NamedExpert(TraceConditionedPolicy):
    """Knows its task, and fits every arm."""

    def __init__(self, task: str) -> None:
        self.own_task = task

    @property
    def task(self) -> str:
        return self.own_task

    def require_fit(self, robot: Embodiment, execute_steps: int) -> None:
        """It fits."""


def test_experts_of_different_tasks_do_not_act_together() -> None:
    towel, pick = NamedExpert("towel"), NamedExpert("pick")
    assert common_task({"mu0": towel, "no_trace": towel}, 8) == "towel"
    with pytest.raises(EmbodimentError, match=r"mu0 is of the task towel; The expert grounded is of .* pick"):
        common_task({"mu0": towel, "grounded": pick}, 8)


@pytest.mark.slow
@pytest.mark.parametrize(("task", "kind"), [("pour", "cup"), ("towel", "towel")])
def test_any_task_is_rolled_out(tmp_path: Path, task: str, kind: str) -> None:
    rows = run_rollouts(replace(setting_in(tmp_path), task=task), {"textures": [50_000]}, 1)
    row = rows[0]
    assert (row.level, row.object_kind, row.n_steps, row.success) == ("textures", kind, 3, False)
    assert row.score < 0.01
    assert row.reason == "never came to the target"


@pytest.mark.slow
def test_an_interrupted_report_goes_on_where_it_stopped(tmp_path: Path) -> None:
    setting = setting_in(tmp_path)
    kept = replace(row_of(SCRIPT.seed, actor="demonstrator"), reason="kept from before")
    setting.journal.keep(SCRIPT, kept)
    rows = run_rollouts(setting, {"in_distribution": [50_000, 50_001], "layouts": [50_000]}, 1)
    assert [(row.level, row.seed, row.n_steps) for row in rows] == [
        ("in_distribution", 50_000, 10),
        ("in_distribution", 50_001, 3),
        ("layouts", 50_000, 3),
    ]
    assert rows[0] == kept


@pytest.mark.slow
def test_one_that_hangs_costs_itself(tmp_path: Path) -> None:
    setting = replace(setting_in(tmp_path), limit_s=15.0, videos_per_outcome=None)
    (tmp_path / "videos").mkdir()
    os.mkfifo(tmp_path / "videos/demonstrator_50001.mp4")  # who opens it waits for a reader for ever
    rows = run_rollouts(setting, {"in_distribution": [50_000, 50_001, 50_002]}, 1)
    assert [row.n_steps for row in rows] == [3, 0, 3]
    assert rows[1].reason == "SimulatorError: no end within 15 s"
    assert not rows[1].success
    assert 0 < rows[1].closest_m < 1
