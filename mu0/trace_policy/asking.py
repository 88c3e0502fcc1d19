"""The question of a moment and its answer, both refused by name where nothing good can come of them."""

import numpy as np

from mu0.records import Observation
from mu0.trace_policy.embodiment import Embodiment, ToolState
from mu0.trace_policy.refusals import HandOutOfSightError, TraceNotFiniteError, UncalibratedCameraError
from mu0.trace_policy.sources import AbstractTraceSource, Futures, Moment
from mu0.trace_policy.view import CalibratedView

FEWEST_KEYPOINTS = 4


def require_calibration(view: CalibratedView | None) -> CalibratedView:
    """The camera.

    Raises:
        UncalibratedCameraError: There is none, or its numbers are none.
    """
    if view is not None and np.isfinite(view.camera_from_base).all() and np.isfinite(view.intrinsics).all():
        return view
    raise UncalibratedCameraError(
        f"The camera {'is not calibrated' if view is None else 'has a calibration that is not finite'}.",
        expected="its matrix [px] and its pose in the robot's base frame",
        remedy="calibrate it (hand-eye), or use a policy that learns from pictures: mu0/policy.",
    )


def make_moment(
    observation: Observation,
    view: CalibratedView,
    tool: ToolState,
    embodiment: Embodiment,
    *,
    holding: bool,
    seed: int,
) -> Moment:
    """The question: keypoints that face the camera and lie in its picture.

    Raises:
        HandOutOfSightError: There are too few.
    """
    facing = embodiment.facing(tool, view.eye_m)
    points_m = embodiment.points_m(tool.base_from_tool, tool.closed)
    seen = facing[view.shows(points_m[facing])]
    if len(seen) < FEWEST_KEYPOINTS:
        facing = embodiment.facing(tool, view.eye_m, all_sides=True)
        seen = facing[view.shows(points_m[facing])]
    if len(seen) < FEWEST_KEYPOINTS:
        place = np.round(tool.base_from_tool[:3, 3], 2).tolist()
        raise HandOutOfSightError(
            f"Of the gripper, at {place} m, {len(seen)} of {len(facing)} points lie in the picture.",
            expected=f"at least {FEWEST_KEYPOINTS}",
            remedy="move the arm into the picture, or look whether the calibration is this camera's.",
        )
    return Moment(observation, view, tool, seen, points_m[seen], holding, seed)


def ask(source: AbstractTraceSource, moment: Moment) -> Futures:
    """The answer.

    Raises:
        TraceNotFiniteError: A valid step holds NaN or infinity.
        UnknownObjectError: Nothing is called as the instruction says.
    """
    futures = source.look(moment)
    for name, points_m in (("gripper", futures.gripper_m), ("target", futures.target_m)):
        broken = ~np.isfinite(points_m).all(axis=(1, 3)) & futures.valid
        if broken.any():
            sample, step = np.argwhere(broken)[0].tolist()
            raise TraceNotFiniteError(
                f"The {name}'s trace is not finite in sample {sample} at step {step}.",
                expected="finite points at every valid step",
                remedy="look at the predictor's normalization statistics and the depth it was given.",
            )
    return futures
