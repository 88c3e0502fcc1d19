"""The tasks of the arm by name: which world, who demonstrates it, how long an episode may last.

Whatever takes any task (`mu0 sim`, the gymnasium environments, benchmarks) finds it here. A task's world is
an `ArmWorld` whose constructor takes the picture's size [px] and, by name, `render`, `level` and `robot`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from mu0.envs.ur3 import demonstrator
from mu0.envs.ur3.arm_world import ArmWorld
from mu0.envs.ur3.environment import Ur3Environment
from mu0.envs.ur3.milestones import AbstractMilestones
from mu0.envs.ur3.pick_milestones import PickMilestones
from mu0.envs.ur3.pour.demonstrator import demonstrate_pouring, plan_pouring
from mu0.envs.ur3.pour.environment import PourEnvironment
from mu0.envs.ur3.pour.milestones import PourMilestones
from mu0.envs.ur3.script import Phase, Scripted
from mu0.envs.ur3.towel.milestones import TowelMilestones
from mu0.envs.ur3.towel.towel_environment import TowelEnvironment
from mu0.envs.ur3.towel.unfolding import demonstrate_unfolding, plan_unfolding
from mu0.errors import SimulationError


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
        name: What `mu0 sim ur3` calls it.
        gymnasium_id: What gymnasium calls it.
        world: Its class.
        demonstrate: Yields phase, wanted and executed action from a world that was just reset; the second
            argument draws disturbances, None none.
        watch: Makes what says how far an episode came, of a world that was just reset.
        plan: The phases that it goes through, as the world lies there now.
        horizon_steps: Steps of 0.1 s after which an episode has failed.
        angles: What the angles of its pose are, behind x, y and z [rad].
    """

    name: str
    gymnasium_id: str
    world: Callable[..., ArmWorld]
    demonstrate: Callable[..., Iterator[Scripted]]
    watch: Callable[[Any], AbstractMilestones[Any]]
    plan: Callable[..., Iterable[Phase]]
    horizon_steps: int
    angles: tuple[str, ...] = ("yaw",)

    @property
    def action_names(self) -> tuple[str, ...]:
        """The numbers of an action, with their units."""
        return (*(f"{axis}_m" for axis in "xyz"), *(f"{angle}_rad" for angle in self.angles), "gripper")

    @property
    def state_names(self) -> tuple[str, ...]:
        """The numbers of `ArmWorld.state`, with their units."""
        commanded = (f"commanded_{name}" for name in self.action_names)
        return (*commanded, "gripper_opening", *(f"{axis}_m" for axis in "xyz"))

    def make(self, image_size_px: int = 128, **settings: Any) -> ArmWorld:
        """A world of this task; `settings` are those of its class."""
        return self.world(image_size_px, **settings)


TASKS = MappingProxyType(
    {
        task.name: task
        for task in (
            Task(
                "pick",
                "mu0/UR3Pick-v0",
                Ur3Environment,
                demonstrator.demonstrate_by_phase,
                PickMilestones,
                demonstrator.plan_picking,
                horizon_steps=200,
            ),
            Task(
                "pour",
                "mu0/UR3Pour-v0",
                PourEnvironment,
                demonstrate_pouring,
                PourMilestones,
                plan_pouring,
                horizon_steps=250,
                angles=("yaw", "tilt"),
            ),
            Task(
                "towel",
                "mu0/UR3Towel-v0",
                TowelEnvironment,
                demonstrate_unfolding,
                TowelMilestones,
                plan_unfolding,
                horizon_steps=300,
            ),
        )
    }
)


def find_task(name: str) -> Task:
    """The task of that name.

    Raises:
        SimulationError: There is none.
    """
    if name not in TASKS:
        raise SimulationError(
            f"There is no task {name!r}.", expected=f"one of {', '.join(TASKS)}", remedy="choose one of them."
        )
    return TASKS[name]
