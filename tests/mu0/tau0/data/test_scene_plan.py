"""The plan: shares are met, scenes do not share a seed, the wrong thing is there to be taken."""

from collections import Counter
from typing import get_args

import pytest

from mu0.envs.layout import draw_layout
from mu0.envs.ur3.faults import FAULT_KINDS
from mu0.params.tau0_data import FaultName, TaskScenes, Tau0DataParams
from mu0.tau0.data.scene_plan import plan_scenes

PARAMS = Tau0DataParams(scenes=TaskScenes(pick=80, pour=20, towel=20), groups_per_scene=2)


def test_no_two_scenes_share_a_seed_or_a_name() -> None:
    jobs = plan_scenes(PARAMS)
    assert len({job.seed for job in jobs}) == len({job.scene_id for job in jobs}) == len(jobs)


@pytest.mark.parametrize("task", ["pick", "pour", "towel"])
def test_shares_are_met_and_every_error_is_as_frequent_as_the_next(task: str) -> None:
    jobs = [job for job in plan_scenes(PARAMS) if job.source == "task" and job.task == task]
    counts = Counter(job.fault for job in jobs if job.fault)
    assert abs(sum(counts.values()) / len(jobs) - PARAMS.fault_share) < 0.06
    assert abs(sum(job.rollout for job in jobs) / len(jobs) - PARAMS.rollout_share) < 0.06
    assert max(counts.values()) - min(counts.values()) <= 1
    assert set(counts) == set(PARAMS.fault_kinds) - (set() if task == "pick" else {"wrong_object"})


def test_where_the_wrong_thing_is_taken_there_is_one() -> None:
    jobs = [job for job in plan_scenes(PARAMS) if "wrong_object" in {job.fault, *job.groups}]
    assert jobs
    assert min(len(draw_layout(job.seed).objects) for job in jobs) > 1


def test_a_recorded_error_is_also_that_of_the_first_branches() -> None:
    jobs = [job for job in plan_scenes(PARAMS) if job.source == "task"]
    assert all(len(job.groups) == 2 for job in jobs)
    assert all(job.groups[0] == job.fault for job in jobs if job.fault)


def test_more_scenes_keep_those_that_are_there() -> None:
    more = PARAMS.model_copy(update={"hand_scenes": PARAMS.hand_scenes + 5})
    assert set(plan_scenes(PARAMS)) < set(plan_scenes(more))


def test_params_know_the_errors_of_the_simulator() -> None:
    """mu0/params imports no simulator, so the names stand in both."""
    assert get_args(FaultName) == FAULT_KINDS
