"""The policy in a world without physics: it solves, mends misses, abstains, and refuses by name."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from mu0.policy.chunk_executor import ChunkExecutor
from mu0.trace_policy.plans import PlanSetting
from mu0.trace_policy.policy import TracePolicy, TracePolicySetting
from mu0.trace_policy.refusals import (
    DisagreementError,
    HandOutOfSightError,
    ReachError,
    TraceNotFiniteError,
    UncalibratedCameraError,
    UnknownObjectError,
    WorkspaceError,
)
from mu0.trace_policy.sources import Futures, Moment
from mu0.trace_policy.view import CalibratedView
from tests.mu0.trace_policy.toy_world import PLACE_M, TARGET_M, ToyTraces, ToyWorld, play

MakePolicy = Callable[..., TracePolicy]
BESIDE_M = np.array([0.04, 0.0, 0.0])


def test_true_traces_solve_it_without_a_miss(toy_world: ToyWorld, make_policy: MakePolicy) -> None:
    policy = make_policy(ToyTraces(toy_world))
    play(policy, toy_world)
    assert (policy.phase, policy.n_misses) == ("done", 0)
    np.testing.assert_allclose(toy_world.target_m[:2], PLACE_M[:2], atol=0.01)
    assert policy.n_asks > 4  # it asks again while it moves


def test_a_path_that_comes_no_nearer_is_left_for_the_straight_way(
    toy_world: ToyWorld, make_policy: MakePolicy
) -> None:
    class PulledAside(ToyTraces):
        """Foresees the grasp where it is, and before it a way that is wrong by 6 cm, wherever it starts."""

        def look(self, moment: Moment) -> Futures:
            futures = super().look(moment)
            gripper_m = futures.gripper_m.copy()
            gripper_m[:, :, 1:6] += [0.0, 0.06, 0.0]
            return replace(futures, gripper_m=gripper_m)

    policy = make_policy(PulledAside(toy_world))
    play(policy, toy_world)
    assert (policy.phase, policy.n_misses) == ("done", 0)
    np.testing.assert_allclose(toy_world.target_m[:2], PLACE_M[:2], atol=0.01)


def test_it_is_a_policy_like_others(toy_world: ToyWorld, make_policy: MakePolicy) -> None:
    executor = ChunkExecutor(make_policy(ToyTraces(toy_world)), 1)
    executor.reset(3)
    action = executor.act(toy_world.observe())
    assert action.shape == (5,)
    assert executor.n_plans == 1


def test_it_says_when_it_needs_a_new_picture(toy_world: ToyWorld, make_policy: MakePolicy) -> None:
    policy = make_policy(ToyTraces(toy_world))
    while policy.phase != "done":
        looks, n_asks = policy.looks_next, policy.n_asks
        toy_world.step(policy.predict_action_chunk(toy_world.observe()).actions[0])
        assert policy.n_asks == n_asks or looks
    assert not policy.looks_next


def test_a_target_that_moves_before_the_grasp_is_followed(
    toy_world: ToyWorld, make_policy: MakePolicy
) -> None:
    policy = make_policy(ToyTraces(toy_world))
    for _ in range(4):
        toy_world.step(policy.predict_action_chunk(toy_world.observe()).actions[0])
    toy_world.target_m = np.add(TARGET_M, [-0.05, 0.08, 0])
    play(policy, toy_world)
    assert (policy.phase, policy.n_misses) == ("done", 0)


def test_a_missed_grasp_is_noticed_opened_and_tried_again(
    toy_world: ToyWorld, make_policy: MakePolicy
) -> None:
    first_try = {"is_over": False}
    source = ToyTraces(toy_world, lambda _: np.zeros(3) if first_try["is_over"] else BESIDE_M)
    policy = make_policy(source)
    phases = [policy.phase]
    for _ in range(200):
        toy_world.step(policy.predict_action_chunk(toy_world.observe()).actions[0])
        phases += [policy.phase] if policy.phase != phases[-1] else []
        first_try["is_over"] = policy.n_misses > 0
        if policy.phase == "done":
            break
    assert phases[:4] == ["reach", "grasp", "back_off", "reach"]
    assert phases[-1] == "done"
    assert policy.n_misses == 1
    np.testing.assert_allclose(toy_world.target_m[:2], PLACE_M[:2], atol=0.01)


def test_a_thing_that_does_not_come_along_is_a_miss_although_the_hand_feels_full(
    toy_world: ToyWorld, make_policy: MakePolicy
) -> None:
    policy = make_policy(ToyTraces(toy_world))
    for _ in range(200):
        toy_world.step(policy.predict_action_chunk(toy_world.observe()).actions[0])
        if policy.phase == "lift":
            toy_world.target_m = TARGET_M.copy()  # something else is between the fingers
            toy_world.held = False
            state = toy_world.observe().proprioception
            assert state is not None
            state[5] = 0.5
            observation = replace(toy_world.observe(), proprioception=state)
            toy_world.step(policy.predict_action_chunk(observation).actions[0])
        if policy.n_misses:
            break
    assert policy.phase == "back_off"
    assert toy_world.actions[-1][4] == 0.0


def test_what_slips_out_on_the_way_is_fetched_again(toy_world: ToyWorld, make_policy: MakePolicy) -> None:
    policy = make_policy(ToyTraces(toy_world))
    for _ in range(200):
        toy_world.step(policy.predict_action_chunk(toy_world.observe()).actions[0])
        if policy.phase == "carry" and toy_world.command[1] > 0.05:
            toy_world.held = False
            break
    play(policy, toy_world)
    assert (policy.phase, policy.n_misses) == ("done", 1)
    np.testing.assert_allclose(toy_world.target_m[:2], PLACE_M[:2], atol=0.01)


def test_at_the_target_instead_of_the_grip_a_wrong_grip_does_no_harm(
    toy_world: ToyWorld, make_policy: MakePolicy
) -> None:
    setting = TracePolicySetting(plans=PlanSetting(grasp_at="target"))
    policy = make_policy(ToyTraces(toy_world, lambda _: BESIDE_M), setting=setting)
    play(policy, toy_world)
    assert policy.phase == "done"
    assert policy.n_misses == 0


def test_it_gives_up_after_too_many_misses_with_an_open_hand(
    toy_world: ToyWorld, make_policy: MakePolicy
) -> None:
    policy = make_policy(ToyTraces(toy_world, lambda _: BESIDE_M))
    play(policy, toy_world, 600)
    assert policy.phase == "gave_up"
    assert policy.n_misses == 4
    assert toy_world.actions[-1][4] == 0.0


class TwoMinds(ToyTraces):
    """Half of the samples mean another thing."""

    def look(self, moment: Moment) -> Futures:
        one, other = super().look(moment), super().look(moment)
        shift_m = np.array([-0.1, 0.1, 0.0])
        gripper_m = other.gripper_m.copy()
        gripper_m[:, :, 1:] += shift_m
        return Futures(
            np.concatenate([one.gripper_m, gripper_m]),
            np.concatenate([one.target_m, other.target_m + shift_m]),
            np.concatenate([one.valid, other.valid]),
        )


def test_it_stays_where_it_is_while_traces_disagree_and_says_so_in_the_end(
    toy_world: ToyWorld, make_policy: MakePolicy
) -> None:
    policy = make_policy(TwoMinds(toy_world))
    start = toy_world.command.copy()
    with pytest.raises(DisagreementError, match=r"(?s)disagreed 11 times.*reach.*name one thing"):
        play(policy, toy_world)
    np.testing.assert_allclose(toy_world.command, start, atol=1e-6)


class BrokenTraces(ToyTraces):
    """NaN in the middle of the target's traces."""

    def look(self, moment: Moment) -> Futures:
        futures = super().look(moment)
        futures.target_m[0, 1, 5, 2] = np.nan
        return futures


def test_nan_stops_the_episode(toy_world: ToyWorld, make_policy: MakePolicy) -> None:
    with pytest.raises(TraceNotFiniteError, match=r"target's trace is not finite in sample 0 at step 5"):
        play(make_policy(BrokenTraces(toy_world)), toy_world)
    assert toy_world.actions == []


def test_a_camera_without_calibration_is_refused_before_a_motor_moves(
    toy_world: ToyWorld, make_policy: MakePolicy, toy_view: CalibratedView
) -> None:
    with pytest.raises(UncalibratedCameraError, match="not calibrated"):
        play(make_policy(ToyTraces(toy_world), None), toy_world)
    broken = replace(toy_view, intrinsics=np.full((3, 3), np.nan))
    with pytest.raises(UncalibratedCameraError, match="not finite"):
        play(make_policy(ToyTraces(toy_world), broken), toy_world)
    assert toy_world.actions == []


def test_a_hand_outside_the_picture_is_refused(toy_world: ToyWorld, make_policy: MakePolicy) -> None:
    toy_world.command[:3] = [0.3, -0.39, 0.4]
    with pytest.raises(HandOutOfSightError, match=r"(?s)0 of 20 points lie in the picture.*into the picture"):
        play(make_policy(ToyTraces(toy_world)), toy_world)
    assert toy_world.actions == []


def test_traces_that_leave_the_workspace_are_refused(toy_world: ToyWorld, make_policy: MakePolicy) -> None:
    toy_world.target_m = np.array([0.3, -0.5, 0.02])
    with pytest.raises(WorkspaceError, match="leave the workspace"):
        play(make_policy(ToyTraces(toy_world)), toy_world)
    assert toy_world.actions == []


def test_an_arm_that_cannot_follow_is_asked_first(toy_world: ToyWorld, make_policy: MakePolicy) -> None:
    def never(start: np.ndarray, commands: np.ndarray) -> None:
        raise ReachError("no", expected="yes", remedy="move")

    with pytest.raises(ReachError):
        play(make_policy(ToyTraces(toy_world), reach=never), toy_world)
    assert toy_world.actions == []


def test_where_the_arm_cannot_follow_the_traces_it_goes_straight(
    toy_world: ToyWorld, make_policy: MakePolicy
) -> None:
    ways = []

    def not_along_the_traces(start: np.ndarray, commands: np.ndarray) -> None:
        ways.append(commands)
        if len(ways) % 2:  # the first of every two ways is along the traces
            raise ReachError("too far", expected="near", remedy="move")

    policy = make_policy(ToyTraces(toy_world), reach=not_along_the_traces)
    play(policy, toy_world)
    assert policy.phase == "done"
    along, direct = ways[0], ways[1]
    np.testing.assert_allclose(along[-1], direct[-1], atol=1e-6)
    assert len(direct) <= len(along)


def test_at_the_target_a_future_that_carries_nothing_is_no_disagreement(
    toy_world: ToyWorld, make_policy: MakePolicy
) -> None:
    class Rests(ToyTraces):
        """Foresees that nothing moves, until the thing is held."""

        def look(self, moment: Moment) -> Futures:
            futures = super().look(moment)
            if self.world.held:
                return futures
            return replace(futures, target_m=np.repeat(futures.target_m[:, :, :1], futures.valid.shape[1], 2))

    setting = TracePolicySetting(plans=PlanSetting(grasp_at="target"))
    policy = make_policy(Rests(toy_world), setting=setting)
    play(policy, toy_world)
    assert (policy.phase, policy.n_misses) == ("done", 0)


def test_an_arm_that_cannot_go_high_goes_low(toy_world: ToyWorld, make_policy: MakePolicy) -> None:
    lowest_m, highest_m = TracePolicySetting().plans.heights_m

    def low_arm(start: np.ndarray, commands: np.ndarray) -> None:
        if (commands[len(commands) // 2 :, 2] > (lowest_m + highest_m) / 2).any():
            raise ReachError("too high", expected="lower", remedy="go lower")

    policy = make_policy(ToyTraces(toy_world), reach=low_arm)
    play(policy, toy_world)
    assert (policy.phase, policy.n_misses) == ("done", 0)


def test_what_is_not_found_in_a_full_hand_is_taken_to_be_there(
    toy_world: ToyWorld, make_policy: MakePolicy
) -> None:
    class BlindInTheHand(ToyTraces):
        """Knows things only as long as nobody touches them."""

        def look(self, moment: Moment) -> Futures:
            if moment.tool.closing and not moment.holding:
                raise UnknownObjectError("nothing red", expected="a cube", remedy="name it")
            return super().look(moment)

    policy = make_policy(BlindInTheHand(toy_world))
    play(policy, toy_world)
    assert (policy.phase, policy.n_misses) == ("done", 0)


def test_a_thing_seen_somewhere_else_while_the_hand_is_full_is_no_miss(
    toy_world: ToyWorld, make_policy: MakePolicy
) -> None:
    class SeesAnother(ToyTraces):
        """Takes another thing on the table for the one that is in the hand."""

        def look(self, moment: Moment) -> Futures:
            futures = super().look(moment)
            if moment.tool.closing and not moment.holding:
                return replace(futures, target_m=np.add(futures.target_m, [0.2, 0.1, -0.18]))
            return futures

    policy = make_policy(SeesAnother(toy_world))
    play(policy, toy_world)
    assert (policy.phase, policy.n_misses) == ("done", 0)
