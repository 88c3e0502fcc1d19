"""Our arm by task: what its numbers mean, and which task a dataset or an expert is of.

    pick, towel    x, y, z, yaw and the gripper (`embodiment.UR3`)
    pour           a tilt besides

Two tasks have equal numbers, so an expert's meta.json names its task beside the embodiment; experts from
before there were several are of pick. A dataset names it in the column `task` of its episodes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from mu0.policy.embodiment import UR3, Embodiment, EmbodimentError
from mu0.policy.embodiment_fit import require_names
from mu0.sources.lerobot.dataset_v3 import ACTION, STATE, LeRobotDataset

PICK = "pick"
TASK = "task"
"""Of meta.json."""
YAW = 3
"""Of the state of every task: commanded."""

TILTING_UR3 = replace(
    UR3,
    name="ur3 with tilt",
    state_names=(
        "commanded_x_m", "commanded_y_m", "commanded_z_m", "commanded_yaw_rad", "commanded_tilt_rad",
        "commanded_gripper", "gripper_opening", "x_m", "y_m", "z_m",
    ),
    action_names=("x_m", "y_m", "z_m", "yaw_rad", "tilt_rad", "gripper"),
    action_kinds=("relative", "relative", "relative", "relative", "relative", "absolute"),
    relative_to=(0, 1, 2, 3, 4, None),
    grippers=(5,),
    state_floor=(0.01,) * 10,
    action_floor=(0.01,) * 6,
    keyframe_scale=(0.1, 0.1, 0.1, 0.5, 0.5),
    tcp_m=(7, 8),
)  # fmt: skip
"""Our simulated arm where its hand tilts."""
SOFT = ("towel",)
"""Tasks whose thing gives way: it is taken at its hem and dragged, several times, and never carried whole."""
ARMS: Mapping[str, Embodiment] = MappingProxyType({PICK: UR3, "pour": TILTING_UR3, "towel": UR3})


@dataclass(frozen=True)
class Arm:
    """The task of some demonstrations or of an expert, and what its numbers mean."""

    task: str
    embodiment: Embodiment

    @property
    def drags(self) -> bool:
        """Whether its thing is dragged and not carried."""
        return self.task in SOFT


def arm_of(task: str) -> Arm:
    """The arm of a task.

    Raises:
        EmbodimentError: There is no such task.
    """
    if task not in ARMS:
        raise EmbodimentError(
            f"There is no task {task!r} of our arm.",
            expected=f"one of {', '.join(ARMS)}",
            remedy="record the demonstrations with a source of one of these tasks.",
        )
    return Arm(task, ARMS[task])


def demonstrated_arm(dataset: LeRobotDataset) -> Arm:
    """Of which task demonstrations are, at least one; those that do not tell are of pick.

    Raises:
        EmbodimentError: They are of several tasks, of an unknown one, or their numbers are those of another.
    """
    tasks = {f"episode {one.episode_index}": one.arm_task or PICK for one in dataset.episodes}
    arm = arm_of(
        one_task(tasks, "demonstrations of one task", "name a source of one task") if tasks else PICK
    )
    for what, key, names in (
        ("states", STATE, arm.embodiment.state_names),
        ("actions", ACTION, arm.embodiment.action_names),
    ):
        require_names(what, tuple(dataset.features[key]["names"]), names, f"the task {arm.task}")
    return arm


def one_task(tasks: Mapping[str, str], expected: str, remedy: str) -> str:
    """The task that all of these are of.

    Args:
        tasks: Of each, by its name; at least one.
        expected: What should be there, for the error.
        remedy: What to do, for the error.

    Raises:
        EmbodimentError: Two differ; names them and their tasks.
    """
    first, task = next(iter(tasks.items()))
    for name, other in tasks.items():
        if other != task:
            raise EmbodimentError(
                f"{first} is of the task {task}; {name} is of the task {other}.",
                expected=expected,
                remedy=f"{remedy} in params.yaml and run `mu0 run`.",
            )
    return task
