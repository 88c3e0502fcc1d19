"""The trace policy for the UR3 task, on a world model that says where the named thing is."""

from collections.abc import Callable
from pathlib import Path

from mu0.envs.ur3.environment import Ur3Environment
from mu0.model.predictor import TracePredictor
from mu0.trace_policy.joint_limits import ArmReach
from mu0.trace_policy.named_finder import NamedFinder
from mu0.trace_policy.plans import PlanSetting
from mu0.trace_policy.policy import TracePolicy, TracePolicySetting
from mu0.trace_policy.predicted_traces import PredictedTraces
from mu0.trace_policy.ur3 import front_view, read_ur3, ur3_embodiment
from mu0.trace_policy.view import CalibratedView


def ur3_trace_policy(
    world_model: Path,
    environment: Ur3Environment,
    view: Callable[[], CalibratedView | None] | None = None,
) -> TracePolicy:
    """The policy without learning: grasps where the thing is, releases where traces of both part.

    Args:
        world_model: Folder of a world model that was trained with `named_images`.
        environment: The robot's; its arm's limits count, and nothing else of it is looked at.
        view: The calibrated front camera of a moment; the environment's own where it is None.

    Raises:
        CheckpointError: The world model is missing or damaged.
    """
    predictor = TracePredictor.from_folder(world_model, rests_below=0.0)  # it asks about what shall move
    return TracePolicy(
        PredictedTraces(predictor, NamedFinder(predictor)),
        ur3_embodiment(),
        read_ur3,
        view or (lambda: front_view(environment)),
        reach=ArmReach(environment.model),
        setting=TracePolicySetting(plans=PlanSetting(grasp_at="target", place_at="target")),
    )
