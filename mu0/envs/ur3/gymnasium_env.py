"""The arm's tasks as gymnasium environments, one or several at once.

    import gymnasium, mu0.envs.ur3.gymnasium_env
    gymnasium.make("mu0/UR3Pick-v0", level="textures")      one
    vectorised("pick", 2)                                   one on each core, in processes of their own

Observation   `front` and `wrist`: pictures; `state`: the numbers of `ArmWorld.state`; with `with_depth` also
              `depth`: of the front camera [m]
Action        the pose to be reached in 0.1 s and the gripper, as `ArmWorld` takes them: metres and radians in
              the base frame, clipped to the workspace. `gymnasium.wrappers.RescaleAction` scales to [-1, 1]
Reward        1 in the step that succeeds, which ends the episode; else 0
Truncated     at the task's horizon
Info          `success`, `score` in [0, 1], `instruction`, and the task's own `facts`

`reset(seed=s)` begins scene s, the one of `mu0 sim ur3 --seed s`; without a seed, scenes are drawn from the
last one. `options={"variant": v}` chooses variant v of the scene.
"""

from functools import partial
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces
from jaxtyping import Float, UInt8

from mu0.envs.ur3.arm_world import CONTROL_HZ, WORKSPACE_M, Episode
from mu0.envs.ur3.kinematics import ROBOTS
from mu0.envs.ur3.tasks import TASKS, find_task
from mu0.records import Observation

FARTHEST_M = 20.0  # no renderer sees farther
LARGEST_STATE = 10.0  # of metres, radians and shares, none comes near it
N_SCENES = 2**31

Seen = dict[str, Any]


class Ur3GymnasiumEnvironment(gymnasium.Env[Seen, np.ndarray]):
    """One task; see the module header.

    Args:
        task: A name of `TASKS`.
        image_size_px: Both sides of both pictures.
        with_depth: Whether to see depth.
        render_mode: `rgb_array` or None: what `render` gives.
        robot: A name of `ROBOTS`.
        horizon_steps: Steps until an episode is truncated; None: the task's.
        settings: More for the task's world, for instance `level`.

    Raises:
        SimulationError: There is no such task.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": round(CONTROL_HZ)}

    def __init__(
        self,
        task: str,
        image_size_px: int = 128,
        *,
        with_depth: bool = False,
        render_mode: str | None = None,
        robot: str = "ur3e",
        horizon_steps: int | None = None,
        **settings: Any,
    ) -> None:
        self.task = find_task(task)
        self.world = self.task.make(image_size_px, robot=ROBOTS[robot], **settings)
        self.world.wrist_size_px = image_size_px
        self.render_mode = render_mode
        self.horizon_steps = horizon_steps or self.task.horizon_steps
        self._with_depth = with_depth
        self._last: Seen = {}
        picture = spaces.Box(0, 255, (image_size_px, image_size_px, 3), np.uint8)
        n_state = len(self.world.state())
        seen: dict[str, spaces.Space[Any]] = {
            "front": picture,
            "wrist": picture,
            "state": spaces.Box(-LARGEST_STATE, LARGEST_STATE, (n_state,), np.float32),
        }
        if with_depth:
            seen["depth"] = spaces.Box(0, FARTHEST_M, (image_size_px, image_size_px), np.float32)
        self.observation_space = spaces.Dict(seen)
        n_angles = self.world.n_pose - 3
        self.action_space = spaces.Box(
            np.array([*WORKSPACE_M[:, 0], *[-np.pi] * n_angles, 0.0], np.float32),
            np.array([*WORKSPACE_M[:, 1], *[np.pi] * n_angles, 1.0], np.float32),
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Seen, dict[str, Any]]:
        """Begin a scene; see the module header."""
        super().reset(seed=seed)
        scene = int(self.np_random.integers(N_SCENES)) if seed is None else seed
        variant = int((options or {}).get("variant", 0))
        return self._see(self.world.begin(Episode(scene, variant))), self._info()

    def step(self, action: Float[np.ndarray, " action"]) -> tuple[Seen, float, bool, bool, dict[str, Any]]:
        """Act for 0.1 s; raises as `ArmWorld.step`."""
        observation, outcome = self.world.step(np.asarray(action, np.float64))
        info = {**outcome, "instruction": self.world.instruction}
        is_late = self.world.n_steps >= self.horizon_steps
        return self._see(observation), float(info["success"]), info["success"], is_late, info

    def render(self) -> UInt8[np.ndarray, "h w 3"] | None:  # type: ignore[override]
        """Front and wrist picture of the last observation, side by side."""
        if self.render_mode is None or not self._last:
            return None
        return np.concatenate([self._last["front"], self._last["wrist"]], axis=1)

    def close(self) -> None:
        """Free the renderer."""
        self.world.close()

    def _see(self, observation: Observation) -> Seen:
        seen = {
            "front": observation.image,
            "wrist": observation.wrist_image,
            "state": observation.proprioception,
        }
        if self._with_depth:
            seen["depth"] = observation.depth_m
        self._last = seen
        return seen

    def _info(self) -> dict[str, Any]:
        return {
            "success": self.world.is_success(),
            "score": self.world.score(),
            "instruction": self.world.instruction,
            **self.world.facts(),
        }


def vectorised(task: str, n_environments: int = 2, **settings: Any) -> gymnasium.vector.AsyncVectorEnv:
    """Several environments, each in a process of its own, which `close` ends.

    More of them than cores bring nothing.

    Args:
        task: A name of `TASKS`.
        n_environments: How many processes.
        settings: Of `Ur3GymnasiumEnvironment`.
    """
    make = partial(Ur3GymnasiumEnvironment, task, **settings)
    return gymnasium.vector.AsyncVectorEnv([make] * n_environments, context="forkserver")


for _task in TASKS.values():
    if _task.gymnasium_id not in gymnasium.registry:
        gymnasium.register(
            _task.gymnasium_id,
            entry_point="mu0.envs.ur3.gymnasium_env:Ur3GymnasiumEnvironment",
            kwargs={"task": _task.name},
        )
