"""`mu0 sim ur3 TASK`: a scripted demonstrator plays one scene of a task; a video of it, if asked for."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mu0.errors import SimulationError

if TYPE_CHECKING:
    import numpy as np

    from mu0.envs.ur3.arm_world import ArmWorld
    from mu0.envs.ur3.tasks import Task
    from mu0.records import Observation

VIDEO_CRF = 18
NEEDED = ("mujoco", "gymnasium")


def register(app: typer.Typer, people_errors: Callable[[Callable[..., None]], Callable[..., Any]]) -> None:
    """Add the command to the application."""
    sim = typer.Typer(no_args_is_help=True, help="Play a scene in the simulator.")
    sim.command()(people_errors(ur3))
    sim.callback()(_robots)
    app.add_typer(sim, name="sim")


def _robots() -> None:
    """Play a scene in the simulator."""


def ur3(
    task: Annotated[
        str,
        typer.Argument(
            help="pick (something into the sink), pour (almonds into a bowl) or towel (unfold it)."
        ),
    ],
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Decides everything about the scene.")] = 0,
    variant: Annotated[int, typer.Option(min=0, help="Another target or start pose in the same scene.")] = 0,
    level: Annotated[
        str, typer.Option(help="in_distribution, unseen_objects, layouts or textures.")
    ] = "in_distribution",
    robot: Annotated[str, typer.Option(help="ur3e or ur3.")] = "ur3e",
    almonds: Annotated[int, typer.Option(min=0, help="How many to pour; 0: 30.")] = 0,
    disturbed: Annotated[bool, typer.Option("--disturbed", help="Push the arm now and then.")] = False,
    record: Annotated[
        Path | None, typer.Option(help="An .mp4 of the front and the wrist camera, side by side.")
    ] = None,
    size_px: Annotated[int, typer.Option(min=32, max=1024, help="Of each picture of the video.")] = 256,
) -> None:
    """Play the demonstrator of a task of the UR3, say how it went, and record it."""
    _require_simulator()
    from mu0.envs.levels import LEVEL_NAMES
    from mu0.envs.ur3.arm_world import Episode
    from mu0.envs.ur3.kinematics import ROBOTS
    from mu0.envs.ur3.tasks import find_task

    found = find_task(task)
    _require_one_of("level", level, LEVEL_NAMES)
    _require_one_of("robot", robot, tuple(ROBOTS))
    if almonds and task != "pour":
        raise SimulationError(
            f"The task {task} has no almonds.", expected="--almonds with pour", remedy="leave --almonds out."
        )
    settings: dict[str, Any] = {"n_almonds": almonds} if almonds else {}
    world = found.make(size_px, render=record is not None, level=level, robot=ROBOTS[robot], **settings)
    world.wrist_size_px = size_px
    try:
        observation = world.begin(Episode(seed, variant))
        typer.echo(f"{task}, seed {seed}: {observation.instruction}")
        pictures = _play(found, world, observation, seed if disturbed else None)
        if record is None:
            for _ in pictures:
                pass
        else:
            _record(record, pictures)
        _tell(world, record)
    finally:
        world.close()


def _require_simulator() -> None:
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise SimulationError(
            f"{' and '.join(missing)} is not installed.",
            expected="the extra `sim` of mu0",
            remedy="run `pip install 'mu0[sim]'`, or `make install` in a checkout.",
        )


def _require_one_of(option: str, given: str, allowed: tuple[str, ...]) -> None:
    if given not in allowed:
        raise SimulationError(
            f"There is no {option} {given!r}.",
            expected=f"one of {', '.join(allowed)}",
            remedy=f"choose one of them with --{option}.",
        )


def _play(
    task: "Task", world: "ArmWorld", observation: "Observation", disturbance_seed: int | None
) -> Iterator["np.ndarray"]:
    """Yield what both cameras see before each step and at the end, and say when a phase begins."""
    import numpy as np

    from mu0.envs.ur3.arm_world import CONTROL_HZ

    rng = None if disturbance_seed is None else np.random.default_rng(disturbance_seed)
    last = ""
    for phase, _, executed in task.demonstrate(world, rng):
        yield _side_by_side(observation)
        if phase != last:
            typer.echo(f"  {world.n_steps / CONTROL_HZ:5.1f} s  {phase}")
            last = phase
        observation, _ = world.step(executed)
    yield _side_by_side(observation)


def _side_by_side(observation: "Observation") -> "np.ndarray":
    import numpy as np

    wrist = observation.wrist_image
    return observation.image if wrist is None else np.concatenate([observation.image, wrist], axis=1)


def _record(goal: Path, pictures: Iterator["np.ndarray"]) -> None:
    from mu0.cli.place import place_for
    from mu0.envs.ur3.arm_world import CONTROL_HZ
    from mu0.files import atomic_file
    from mu0.sources.containers.encoding import write_video

    if goal.suffix.lower() != ".mp4":
        raise SimulationError(
            f"--record {goal} does not end in .mp4.", expected="a video file", remedy="call it pour.mp4."
        )
    with place_for(goal.parent), atomic_file(goal) as temporary:
        write_video(temporary, pictures, CONTROL_HZ, crf=VIDEO_CRF)


def _tell(world: "ArmWorld", record: Path | None) -> None:
    from mu0.envs.ur3.arm_world import CONTROL_HZ

    facts = "".join(f", {name} {value}" for name, value in world.facts().items())
    outcome = "success" if world.is_success() else "no success"
    typer.echo(f"{outcome} after {world.n_steps / CONTROL_HZ:.1f} s, score {world.score():.2f}{facts}")
    if record is not None:
        typer.echo(f"{record.resolve()}  ({record.stat().st_size / 1e6:.1f} MB)")
