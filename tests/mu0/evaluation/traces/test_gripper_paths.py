"""The gripper asked alone: an exact method aims exactly, standing still misses by the way that is left."""

from dataclasses import replace

import numpy as np
import pytest

from mu0.baselines.static import StaticPredictor
from mu0.dataset.evaluation import EvaluationSample
from mu0.evaluation.traces.gripper_paths import GripperQuestion, ask_gripper, gripper_metrics, gripper_table
from mu0.evaluation.traces.gripper_questions import _at_equal_steps
from mu0.evaluation.traces.phase_tables import aim_warning, gripper_cells
from mu0.evaluation.traces.predictions import Method
from mu0.geometry.camera import project, trace_from_uvz, unproject, uvz_from_trace
from mu0.geometry.rigid import apply
from mu0.interfaces import AbstractTracePredictor
from mu0.records import Observation, Queries, TraceSamples
from tests.mu0.evaluation.questions import INTRINSICS, N_STEPS, question

SIZE_PX = (30, 40)
LOOKS_DOWN = np.diag([1.0, -1, -1, 1])  # a camera above the table that looks straight down
LOOKS_DOWN[:3, 3] = [0, 0, 1.5]
WAY_M = np.array([0.3, 0.0, -0.2])


def asked(episode: str, phase: str) -> GripperQuestion:
    """Four points go straight by `WAY_M`, to where the hand closes."""
    hand_m = np.array([0.0, 0.1, 0.4])
    points_m = hand_m + np.array([[0.02, 0, 0], [-0.02, 0, 0], [0, 0.02, 0], [0, -0.02, 0]])
    share = np.arange(N_STEPS + 1)[:, None, None] / N_STEPS
    path = project(apply(LOOKS_DOWN, points_m + share * WAY_M), INTRINSICS)
    uvz = uvz_from_trace(path, *SIZE_PX).swapaxes(0, 1)
    base: EvaluationSample = question(episode, "arm", n_queries=4)
    sample = replace(base, queries=Queries(uvz[:, 0]), truth_uvz=uvz[:, 1:])
    return GripperQuestion(sample, phase, hand_m, hand_m + WAY_M, LOOKS_DOWN)  # type: ignore[arg-type]


class Exact(AbstractTracePredictor):
    """Knows that everything goes by `WAY_M`."""

    name = "exact"

    def predict(self, observation: Observation, queries: Queries, n_samples: int, seed: int) -> TraceSamples:
        anchor = unproject(trace_from_uvz(queries.anchor_uvz, *SIZE_PX), INTRINSICS)
        share = np.arange(1, N_STEPS + 1)[:, None] / N_STEPS
        path = project(anchor[:, None] + share * (WAY_M @ LOOKS_DOWN[:3, :3].T), INTRINSICS)
        uvz = np.repeat(uvz_from_trace(path, *SIZE_PX)[None], n_samples, axis=0)
        return TraceSamples(uvz, np.ones(uvz.shape[:3]))


METHODS = [
    Method("mu0", Exact(), sees_history=False, n_parameters=1),
    Method("static", StaticPredictor(N_STEPS), sees_history=False),
]
QUESTIONS = [asked("a", "approach"), asked("b", "approach"), asked("b", "carry")]


def test_an_exact_path_aims_at_the_goal_and_no_path_misses_by_the_way() -> None:
    errors = ask_gripper(METHODS, QUESTIONS, 2, 0).set_index("method")
    assert len(errors) == 6
    for name in ("aim_xy_m", "aim_height_m", "path_ade_m"):
        assert np.abs(errors.loc["mu0", name]).max() < 1e-6
    assert errors.loc["static", "aim_xy_m"].to_numpy() == pytest.approx(0.3)
    assert errors.loc["static", "aim_height_m"].to_numpy() == pytest.approx(0.2)
    mean_way = np.linalg.norm(WAY_M) * (N_STEPS + 1) / 2 / N_STEPS
    assert errors.loc["static", "path_ade_m"].to_numpy() == pytest.approx(mean_way)


def test_rows_are_by_method_source_and_phase_with_intervals() -> None:
    table = gripper_table(ask_gripper(METHODS, QUESTIONS, 1, 0), seed=0, n_resamples=50)
    assert len(table) == 2 * 2 * 2  # methods, sources with "all", phases
    row = table[(table["method"] == "static") & (table["source"] == "all")].iloc[0]
    assert (row["phase"], row["n_moments"], row["n_episodes"]) == ("approach", 2, 2)
    assert row["aim_xy_m_low"] == pytest.approx(row["aim_xy_m_high"])
    assert gripper_metrics(table, {})["static_gripper_alone_approach_aim_xy_m"] == pytest.approx(0.3)
    header, rows = gripper_cells(table, str)
    assert header[-2:] == ["mu0 [cm]", "static [cm]"]
    assert rows[0][:2] == ["approach", "grasp"]
    assert rows[1][:2] == ["carry", "release"]
    assert rows[0][-1].startswith("30.0 [30.0, 30.0], +20.0 (path ")
    assert aim_warning(table) == ""
    assert "30.0 cm beside the grasp; 3 cm are wanted" in aim_warning(table, "static")


def test_without_simulated_clips_nothing_is_asked() -> None:
    table = gripper_table(ask_gripper(METHODS, [], 1, 0), seed=0, n_resamples=50)
    assert len(table) == 0
    assert gripper_metrics(table, {}) == {}
    assert gripper_cells(table, str) == ([], [])


def test_steps_are_of_equal_length_along_the_fastest_point_whatever_the_speed() -> None:
    """A way of u = 0.4 is a fifth of the picture's width: four steps of .05."""
    slow = np.linspace(0, 0.4, 41)
    path = np.zeros((41, 2, 3))
    path[:, 0, 0], path[:, 1, 0] = slow, slow / 2
    found = _at_equal_steps(path, 8, 0.05)
    assert found[0, :, 0] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert found[1, :, 0] == pytest.approx([0.05, 0.1, 0.15, 0.2])
    assert _at_equal_steps(path[::2], 3, 0.05) == pytest.approx(found[:, :3])
    assert _at_equal_steps(path[:1], 3, 0.05).shape == (2, 0, 3)
