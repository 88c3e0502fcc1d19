"""The clips of `trace_accuracy.py`: simulated recordings whose truth is cast as rays into the scene.

A clip keeps the state of the simulator in every frame. So for any pixel of any frame the surface point behind
it is known exactly (one ray), it can be carried along with its body, and in every other frame one more ray
tells whether it is in view. No keypoint goes without truth, silhouettes included.

What varies, so that a number is not that of one kind of clip
    embodiment   ur3, human_hand
    camera       still, or swaying by up to 13 cm (`mu0.envs.camera_path`)
    depth        "sensor": Kinect-like noise; "rough": twice that, and holes at silhouettes and in patches
    occluder     a textured bar 0.45 m before the camera sweeps across the picture in the middle of the clip

Seeds: `TUNING` may be looked at while settings are chosen; `HELD_OUT` may not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

import cv2
import mujoco
import numpy as np

from mu0.envs.camera import Camera
from mu0.envs.depth_sensor import RANGE_M, RESOLUTION_M
from mu0.envs.hand import HandScene
from mu0.envs.layout import draw_layout
from mu0.envs.renderer import AbstractRenderer
from mu0.envs.rendering import open_renderer
from mu0.envs.tabletop import apply_layout, refresh_poses
from mu0.envs.ur3.demonstrator import demonstrate
from mu0.envs.ur3.environment import Ur3Environment
from mu0.geometry.rigid import apply, invert

TUNING, HELD_OUT = 55_000, 91_000
SIZE_PX = (640, 480)
VARIETY = (("sensor", False), ("sensor", True), ("rough", False), ("sensor", False), ("rough", True))
OCCLUDER_M, OCCLUDER_WIDTH_PX, OCCLUDER_SHARE = 0.45, 130, 0.3
SILHOUETTE_M = 0.03
IN_VIEW_M = 0.004  # a ray that stops earlier than this before the point was stopped by something else
RAY_CUTOFF_M = 20.0

Noise = Literal["sensor", "rough"]


@dataclass(frozen=True)
class ClipPlan:
    """One clip, as a pure function of these values."""

    seed: int
    embodiment: str
    moving_camera: bool
    noise: Noise
    occluder: bool

    @property
    def name(self) -> str:
        """Readable and unique."""
        camera = "moving" if self.moving_camera else "still"
        return f"{self.embodiment}_{self.seed}_{camera}_{self.noise}{'_occluder' if self.occluder else ''}"


@dataclass(frozen=True)
class TruthClip:
    """What the camera saw, and the states that produced it."""

    plan: ClipPlan
    frames: np.ndarray
    depth_m: np.ndarray
    intrinsics: np.ndarray
    camera_from_world: np.ndarray
    state: np.ndarray  # (t, q): joint positions, then the pose of a mocap body if there is one
    covered: np.ndarray  # (t, 2): columns that the occluder hides, from and to

    def world(self) -> tuple[mujoco.MjModel, mujoco.MjData]:
        """The model whose states the clip keeps, for rays."""
        return _world(self.plan.embodiment)

    @cached_property
    def body_poses(self) -> np.ndarray:
        """World from body, (t, bodies, 4, 4)."""
        model, data = self.world()
        poses = np.tile(np.eye(4), (len(self.state), model.nbody, 1, 1))
        for pose, _ in zip(poses, self.each_state(), strict=True):
            pose[:, :3, :3] = data.xmat.reshape(-1, 3, 3)
            pose[:, :3, 3] = data.xpos
        return poses

    def truth_of(
        self, frame: np.ndarray, pixel: np.ndarray, like_m: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The surface points behind pixels, carried with their bodies.

        Args:
            frame: When each pixel was chosen.
            pixel: Where.
            like_m: Depth that was measured there; of the 3 x 3 neighbours the nearest to it decides which
                of two surfaces at a silhouette was meant.

        Returns:
            World positions (t, n, 3), and body (n), -1 where there is no surface or the occluder hides it.
        """
        start, body = np.full((len(frame), 3), np.nan), np.full(len(frame), -1)
        for now, _ in enumerate(self.each_state()):
            here = np.flatnonzero(frame == now)
            here = here[~self._is_covered(now, pixel[here, 0])]
            if len(here):
                start[here], body[here] = self._surface(now, pixel[here], like_m[here])
        poses = self.body_poses
        carried = np.full((len(poses), len(frame), 3), np.nan)
        for number in np.unique(body[body >= 0]):
            riders = np.flatnonzero(body == number)
            motion = poses[:, number]
            in_body = np.stack([apply(invert(motion[frame[i]]), start[i]) for i in riders])
            carried[:, riders] = np.stack([apply(m, in_body) for m in motion])
        return carried, body

    def in_view(self, points_world: np.ndarray) -> np.ndarray:
        """Which points (t, n, 3) the camera sees in each frame."""
        visible = np.zeros(points_world.shape[:2], bool)
        limit = np.array(self.frames.shape[2:0:-1]) - 0.5
        for now, _ in enumerate(self.each_state()):
            camera, eye = self.camera_from_world[now], invert(self.camera_from_world[now])[:3, 3]
            seen = apply(camera, points_world[now])
            pixel = seen[:, :2] / seen[:, 2:] * self.intrinsics[0, 0] + self.intrinsics[:2, 2]
            with np.errstate(invalid="ignore"):
                inside = (seen[:, 2] > 0) & (pixel > -0.5).all(1) & (pixel < limit).all(1)
            ask = np.flatnonzero(inside)
            way = points_world[now, ask] - eye
            far = np.linalg.norm(way, axis=1)
            _, hit_m = self._cast(eye, way / far[:, None])
            visible[now, ask] = (hit_m > far - IN_VIEW_M) & ~self._is_covered(now, pixel[ask, 0])
        return visible

    def _is_covered(self, frame: int, column: np.ndarray) -> np.ndarray:
        return (column > self.covered[frame, 0] - 0.5) & (column < self.covered[frame, 1] - 0.5)

    def _surface(self, frame: int, pixel: np.ndarray, like_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        model, _ = self.world()
        world_from_camera = invert(self.camera_from_world[frame])
        steps = np.array([[0, 0], [0, -1], [-1, 0], [1, 0], [0, 1], [-1, -1], [1, -1], [-1, 1], [1, 1]])
        asked = (pixel[:, None] + steps).reshape(-1, 2)
        flat = (asked - self.intrinsics[:2, 2]) / self.intrinsics[0, 0]
        rays = np.concatenate([flat, np.ones((len(flat), 1))], 1)
        slant = np.linalg.norm(rays, axis=1)
        ways = rays / slant[:, None] @ world_from_camera[:3, :3].T
        geom, hit_m = self._cast(world_from_camera[:3, 3], ways)
        z = (hit_m / slant).reshape(-1, 9)
        gap = np.abs(z - like_m[:, None])
        best = np.where(gap[:, 0] < 0.5 * SILHOUETTE_M, 0, gap.argmin(1))
        row = np.arange(len(pixel))
        geom = geom.reshape(-1, 9)[row, best]
        points = apply(world_from_camera, (rays.reshape(-1, 9, 3)[row, 0]) * z[row, best, None])
        return points, np.where(geom >= 0, model.geom_bodyid[geom], -1)

    def each_state(self) -> Iterator[None]:
        """Put the simulator into every frame's state, one after the other."""
        model, data = self.world()
        apply_layout(model, data, draw_layout(self.plan.seed))
        for state in self.state:
            data.qpos[:] = state[: model.nq]
            if model.nmocap:
                data.mocap_pos[0], data.mocap_quat[0] = state[model.nq : model.nq + 3], state[model.nq + 3 :]
            refresh_poses(model, data)
            yield

    def _cast(self, eye: np.ndarray, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        model, data = self.world()
        n = len(rays)
        geom, far, normal = np.full(n, -1, np.int32), np.zeros(n), np.zeros(3 * n)
        if n:
            directions = np.ascontiguousarray(rays).reshape(-1)
            hits_static = True
            mujoco.mj_multiRay(
                model, data, eye, directions, None, hits_static, -1, geom, far, normal, n, RAY_CUTOFF_M
            )  # fmt: skip
        return geom, np.where(geom >= 0, far, np.inf)


def plans(seed: int, count: int) -> list[ClipPlan]:
    """`count` clips, half with a still and half with a moving camera, each half as varied as the other."""
    found = []
    for index in range(count):
        noise, occluder = VARIETY[index // 4 % len(VARIETY)]
        embodiment = ("ur3", "human_hand")[index % 2]
        found.append(ClipPlan(seed + index, embodiment, bool(index // 2 % 2), noise, occluder))
    return found


def load_clip(plan: ClipPlan, cache: Path | None) -> TruthClip:
    """Record a clip, or read it from `cache`; noise and occluder are added here, the same each time."""
    path = None if cache is None else cache / f"{plan.embodiment}_{plan.seed}_{int(plan.moving_camera)}.npz"
    if path is None or not path.exists():
        recorded = _record(plan)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{path.name}.part")
            with part.open("wb") as file:
                np.savez(file, **recorded)
            part.rename(path)
    else:
        with np.load(path, allow_pickle=False) as stored:
            recorded = {name: stored[name] for name in stored.files}
    rng = np.random.default_rng([plan.seed, 9])
    frames, exact_m = recorded["frames"], recorded["depth_m"]
    covered = np.zeros((len(frames), 2), int)
    if plan.occluder:
        covered = _sweep(frames, exact_m, rng)
    depth_m = np.stack([_sense(depth, plan.noise, rng) for depth in exact_m])
    kept = (recorded[name] for name in ("intrinsics", "camera_from_world", "state"))
    return TruthClip(plan, frames, depth_m, *kept, covered)


def _record(plan: ClipPlan) -> dict[str, np.ndarray]:
    frames, depth_m, poses, states = [], [], [], []
    scene, renderer = _scene(plan.embodiment)
    rng = np.random.default_rng([plan.seed, 2, 0])
    scene.reset_variant(plan.seed, 0, moving_camera=plan.moving_camera)
    camera: Camera = scene.front_camera()
    for _ in _play(scene, rng):
        camera = scene.front_camera()
        image, depth = renderer.render(camera)
        frames.append(image)
        depth_m.append(depth)
        poses.append(camera.camera_from_world)
        mocap = scene.data.mocap_pos.ravel(), scene.data.mocap_quat.ravel()
        states.append(np.concatenate([scene.data.qpos, *mocap]))
    return {
        "frames": np.stack(frames),
        "depth_m": np.stack(depth_m).astype(np.float32),
        "intrinsics": camera.intrinsics,
        "camera_from_world": np.stack(poses),
        "state": np.stack(states),
    }


def _play(scene: HandScene | Ur3Environment, rng: np.random.Generator) -> Iterator[None]:
    if isinstance(scene, HandScene):
        yield from scene.play()
        return
    for _, executed in demonstrate(scene, rng):
        yield
        scene.advance(executed)


@lru_cache(maxsize=2)
def _scene(embodiment: str) -> tuple[HandScene | Ur3Environment, AbstractRenderer]:
    width, height = SIZE_PX
    if embodiment == "human_hand":
        hand = HandScene(width, height)
        return hand, hand.renderer
    robot = Ur3Environment(width_px=width, height_px=height, render=False)
    return robot, open_renderer(robot.model, robot.data, width_px=width, height_px=height)


@lru_cache(maxsize=2)
def _world(embodiment: str) -> tuple[mujoco.MjModel, mujoco.MjData]:
    """A model of its own for rays, so that recording and asking do not disturb each other."""
    from mu0.envs.hand_model import hand_actor
    from mu0.envs.tabletop import build_tabletop
    from mu0.envs.ur3.arm import ur3_actor

    model = build_tabletop(hand_actor() if embodiment == "human_hand" else ur3_actor())
    return model, mujoco.MjData(model)


def _sense(exact_m: np.ndarray, noise: Noise, rng: np.random.Generator) -> np.ndarray:
    """What a depth camera makes of exact depth; see the module text."""
    factor = 2.0 if noise == "rough" else 1.0
    sigma_m = factor * (0.0012 + 0.0019 * (exact_m - 0.4) ** 2)
    noisy = exact_m + sigma_m * rng.standard_normal(exact_m.shape, dtype=np.float32)
    seen = (exact_m > RANGE_M[0]) & (exact_m < RANGE_M[1])
    if noise == "rough":
        square = np.ones((3, 3), np.uint8)
        silhouette = cv2.dilate(exact_m, square) - cv2.erode(exact_m, square) > SILHOUETTE_M
        patches = rng.random((exact_m.shape[0] // 8, exact_m.shape[1] // 8)) < 0.01
        patches = cv2.resize(patches.astype(np.uint8), exact_m.shape[::-1], interpolation=cv2.INTER_NEAREST)
        seen &= ~silhouette & (patches == 0)
    return np.where(seen, np.rint(noisy / RESOLUTION_M) * RESOLUTION_M, 0).astype(np.float32)


def _sweep(frames: np.ndarray, depth_m: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the occluder into pictures and depth; returns the columns that it hides in each frame."""
    n_frames, height, width = depth_m.shape
    coarse = rng.integers(40, 200, (height // 6, OCCLUDER_WIDTH_PX // 6, 3)).astype(np.uint8)
    texture = cv2.resize(coarse, (OCCLUDER_WIDTH_PX, height), interpolation=cv2.INTER_CUBIC)
    covered = np.zeros((n_frames, 2), int)
    first, last = (round(share * n_frames) for share in (0.5 - OCCLUDER_SHARE / 2, 0.5 + OCCLUDER_SHARE / 2))
    for frame in range(first, last):
        left = round((frame - first) / (last - first) * (width + OCCLUDER_WIDTH_PX)) - OCCLUDER_WIDTH_PX
        begin, end = max(left, 0), min(left + OCCLUDER_WIDTH_PX, width)
        if begin < end:
            frames[frame, :, begin:end] = texture[:, begin - left : end - left]
            depth_m[frame, :, begin:end] = OCCLUDER_M
            covered[frame] = begin, end
    return covered
