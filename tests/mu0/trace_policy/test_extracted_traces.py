"""What a video showed is retold from where the tool is now."""

import numpy as np
import pytest

from mu0.episodes.arrays import EpisodeArrays, SampleExtras, Samples
from mu0.geometry.camera import trace_from_uvz
from mu0.trace_policy.asking import make_moment
from mu0.trace_policy.embodiment import ToolState, command_of
from mu0.trace_policy.extracted_traces import ExtractedDemonstration, ExtractedTraces
from mu0.trace_policy.meeting import MeetingSetting, meet
from mu0.trace_policy.path_steps import PathSteps
from mu0.trace_policy.refusals import UnknownObjectError
from mu0.trace_policy.sources import AbstractTargetFinder, Moment
from mu0.trace_policy.ur3 import ur3_embodiment
from mu0.trace_policy.view import CalibratedView
from tests.mu0.trace_policy.carried_scene import GRASP, GRASP_YAW_RAD, RELEASE, carried_scene
from tests.mu0.trace_policy.toy_world import CORNERS_M, TARGET_M, ToyWorld

PALM = slice(0, 4)


class Knows(AbstractTargetFinder):
    """The target's place in a toy world."""

    def __init__(self, world: ToyWorld) -> None:
        self.world = world

    def find(self, moment: Moment) -> np.ndarray:
        return self.world.target_m + CORNERS_M


def filmed(view: CalibratedView, *, n_target: int = 4) -> ExtractedDemonstration:
    """Every frame is an anchor with four rows on the palm and some on the target."""
    gripper_m, target_m, tool = carried_scene()
    points_m = np.concatenate([gripper_m[PALM], target_m[:n_target]])
    n, t = points_m.shape[:2]
    trace = trace_from_uvz(view.uvz(points_m), view.height_px, view.width_px).astype(np.float16)
    raw = np.full((t * n, t, 3), -np.inf, np.float16)
    valid = np.zeros((t * n, t), bool)
    for frame in range(t):
        rows = slice(frame * n, (frame + 1) * n)
        raw[rows, : t - frame], valid[rows, : t - frame] = trace[:, frame:], True
    nothing = np.full((t * n, 1, 3), -np.inf, np.float16)
    samples = Samples(
        frame_indices=np.arange(t, dtype=np.int32),
        offsets=np.arange(t + 1, dtype=np.int64) * n,
        keypoints=raw[:, 0, :2],
        cluster_ids=np.zeros(t * n, np.int32),
        is_moving=np.ones(t * n, bool),
        visibs=np.ones(t * n, np.float16),
        traj=raw,
        traj_history=nothing,
        valid_steps=valid,
        valid_steps_history=np.zeros((t * n, 1), bool),
        raw_traj=raw,
        raw_traj_history=nothing,
        raw_valid_steps=valid,
        raw_valid_steps_history=np.zeros((t * n, 1), bool),
    )
    lens = np.repeat(view.intrinsics[None].astype(np.float32), t, axis=0)
    pose = np.repeat(view.camera_from_base[None].astype(np.float32), t, axis=0)
    episode = EpisodeArrays(
        images=np.zeros((t, 64, 64, 3), np.uint8),
        depth_m=None,
        intrinsics=lens,
        camera_from_world=pose,
        acceleration=np.zeros(t, np.float32),
        samples=samples,
        extras=SampleExtras(np.tile(np.arange(n, dtype=np.int32), t)),
    )
    tools = [
        ToolState(pose, command_of(pose, 0.0), 0.0, GRASP <= frame < RELEASE)
        for frame, pose in enumerate(tool)
    ]
    return ExtractedDemonstration(episode, tools)


def ask(world: ToyWorld, view: CalibratedView, source: ExtractedTraces) -> tuple[Moment, np.ndarray]:
    moment = make_moment(world.observe(), view, world.tool(), ur3_embodiment(), holding=False, seed=0)
    futures = source.look(moment)
    n = int(futures.valid[0].sum())
    meeting = meet(
        futures.gripper_m[0, :, :n],
        futures.target_m[0, :, :n],
        moment.tool.base_from_tool,
        MeetingSetting(),
        held_now=False,
    )
    assert meeting.grip is not None
    return moment, command_of(meeting.grip, 0.0)


@pytest.mark.parametrize("aside_m", [0.0, 0.03])
def test_the_grasp_is_told_from_beside_the_filmed_way_too(
    toy_world: ToyWorld, toy_view: CalibratedView, aside_m: float
) -> None:
    toy_world.command[:3] += [aside_m, -aside_m, 0.0]
    source = ExtractedTraces(filmed(toy_view), Knows(toy_world), ur3_embodiment(), PathSteps())
    _, grasp = ask(toy_world, toy_view, source)
    np.testing.assert_allclose(grasp[:3], TARGET_M, atol=0.006)
    assert grasp[3] == pytest.approx(GRASP_YAW_RAD, abs=0.08)


def test_a_target_that_was_pushed_moves_the_grasp_along(
    toy_world: ToyWorld, toy_view: CalibratedView
) -> None:
    source = ExtractedTraces(filmed(toy_view), Knows(toy_world), ur3_embodiment(), PathSteps())
    ask(toy_world, toy_view, source)
    toy_world.target_m = TARGET_M + np.array([0.02, 0.03, 0.0])
    _, grasp = ask(toy_world, toy_view, source)
    np.testing.assert_allclose(grasp[:3], toy_world.target_m, atol=0.006)


def test_a_target_with_too_few_traces_is_refused(toy_world: ToyWorld, toy_view: CalibratedView) -> None:
    source = ExtractedTraces(filmed(toy_view, n_target=2), Knows(toy_world), ur3_embodiment(), PathSteps())
    with pytest.raises(UnknownObjectError, match=r"(?s)2 extracted traces lie on the target.*n_keypoints"):
        ask(toy_world, toy_view, source)
