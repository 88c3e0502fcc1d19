"""The UR3e's gripper, described: ten keypoints on each of four sides, the limits of the simulator's arm."""

import numpy as np
from jaxtyping import Float

from mu0.envs.ur3.arm import GRIPPER_TRAVEL_M, TCP_BELOW_FLANGE_M
from mu0.envs.ur3.arm_world import CONTROL_HZ, WORKSPACE_M, ArmWorld
from mu0.errors import PolicyError
from mu0.trace_policy.embodiment import Embodiment, ToolState, top_down_pose
from mu0.trace_policy.refusals import TraceNotFiniteError
from mu0.trace_policy.view import CalibratedView

N_STATE = 9
PALM_M = [(0.02, y, z) for y in (-0.038, 0.038) for z in (0.045, 0.075)]
FINGER_BELOW_FLANGE_M = 0.09
FINGERS_M = [
    (0.011, side * 0.010, FINGER_BELOW_FLANGE_M + z) for side in (-1, 1) for z in (0.01, 0.032, 0.055)
]
PALM_SIDE_M = [(x, 0.055, z) for x in (-0.012, 0.012) for z in (0.045, 0.075)]
FINGER_SIDE_M = [(x, 0.016, FINGER_BELOW_FLANGE_M + z) for x in (-0.006, 0.006) for z in (0.01, 0.032, 0.055)]


def ur3_embodiment() -> Embodiment:
    """Points on the palm and the fingers, on all four sides; numbers from the gripper's MJCF."""
    front, left = (
        np.array(points) - np.array([0.0, 0.0, TCP_BELOW_FLANGE_M])
        for points in (PALM_M + FINGERS_M, PALM_SIDE_M + FINGER_SIDE_M)
    )
    back, right = front * np.array([-1.0, 1.0, 1.0]), left * np.array([1.0, -1.0, 1.0])
    closed = np.concatenate([front, back, left, right])
    is_finger = np.tile(np.arange(len(front)) >= len(PALM_M), 4)
    opening = np.zeros_like(closed)
    opening[is_finger, 1] = np.sign(closed[is_finger, 1]) * GRIPPER_TRAVEL_M
    outsides = np.array([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])
    return Embodiment(
        name="ur3e, two fingers of 42.5 mm travel",
        closed_m=closed,
        opening_m=opening,
        normal=np.repeat(outsides, len(front), axis=0),
        approach=np.array([0.0, 0.0, 1.0]),
        workspace_m=WORKSPACE_M,
        speed_m_s=0.20,
        slow_m_s=0.14,
        turn_rad_s=1.5,
        rate_hz=CONTROL_HZ,
        empty_above=0.93,
        close_steps=6,
    )


def read_ur3(state: Float[np.ndarray, " n"] | None) -> ToolState:
    """The tool of the environment's nine numbers; the yaw is the commanded one.

    Raises:
        PolicyError: There is no state, or it has another length.
        TraceNotFiniteError: A number is NaN or infinite.
    """
    if state is None or len(state) != N_STATE:
        raise PolicyError(
            f"The robot's state is {'missing' if state is None else f'{len(state)} numbers'}.",
            expected=f"the {N_STATE} numbers of Ur3Environment.state()",
            remedy="fill `proprioception` of the Observation.",
        )
    numbers = np.asarray(state, np.float64)
    if not np.isfinite(numbers).all():
        raise TraceNotFiniteError(
            f"The robot's state is {numbers.tolist()}.",
            expected="finite numbers",
            remedy="look at the robot's driver; nothing was commanded.",
        )
    pose = top_down_pose(np.array([*numbers[6:9], numbers[3]]))
    return ToolState(pose, numbers[:4], closed=float(numbers[5]), closing=bool(numbers[4] > 0.5))


def front_view(environment: ArmWorld) -> CalibratedView:
    """The simulator's front camera of this moment, as calibration would give it."""
    camera = environment.front_camera()
    return CalibratedView(camera.camera_from_world, camera.intrinsics, camera.height_px, camera.width_px)
