"""A second world to measure extraction in, which no threshold was chosen on: a desk and a toy gripper.

It shares nothing with `mu0.envs` but the renderer: other shapes, other textures (noise of many octaves on
everything, the desk too, so that a tracker always finds something to hold on to), other light, lens and
noise. A gripper of a palm, a forearm and two fingers takes a box or a can from between things that rest,
turns it, and puts it down elsewhere. All of it is a pure function of the seed.

    depth noise   1.2 mm z^2, rounded to millimetres; nothing is missing: silhouettes are as sharp as pixels
    camera        still, or on a closed path of some 15 cm that looks at the desk
    state         mocap poses of carried thing, palm and fingers; truth is cast as rays (`TruthClip`)
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import cv2
import mujoco
import numpy as np
from scipy.spatial.transform import Rotation
from trace_accuracy_clips import ClipPlan, TruthClip

from mu0.envs.camera import Camera, focal_from_fov_px
from mu0.envs.rendering import open_renderer

SIZE_PX = (640, 480)
N_FRAMES = 80
FIELD_OF_VIEW_DEG = 48.0
NOISE_PER_M = 0.0012
RESOLUTION_M = 0.001
FIRST_SEED = 700
OCTAVES = ((4, 0.3), (12, 0.25), (40, 0.25), (130, 0.2))
TEXTURE_PX = 384
FINGER_DROP_M, GRIP_DROP_M = 0.07, 0.1  # fingers and the grip below the palm
MOVING_BODIES = ("thing", "palm", "left", "right")


@dataclass(frozen=True)
class Layout:
    """What a seed decides."""

    is_can: bool
    half_m: np.ndarray  # of the carried thing
    start: np.ndarray  # on the desk
    goal: np.ndarray
    turn_rad: float
    resting: list[tuple[str, np.ndarray, np.ndarray, float]]  # kind, half size, place, heading


class SecondClip(TruthClip):
    """A recording of this world."""

    def world(self) -> tuple[mujoco.MjModel, mujoco.MjData]:
        """The model of the seed."""
        return _ray_world(self.plan.seed)

    def each_state(self) -> Iterator[None]:
        """Put the model into every frame's state, one after the other."""
        model, data = self.world()
        for state in self.state:
            _pose(model, data, state.reshape(-1, 7))
            yield


def plans(count: int) -> list[ClipPlan]:
    """`count` clips with a still camera, then as many others with a moving one."""
    return [
        ClipPlan(FIRST_SEED + 2 * number + moving, "toy", bool(moving), "sensor", occluder=False)
        for moving in (0, 1)
        for number in range(count)
    ]


def load_clip(plan: ClipPlan, cache: Path | None) -> SecondClip:
    """Record a clip, or read it from `cache`; noise is added here, the same each time."""
    path = None if cache is None else cache / f"{plan.name}.npz"
    if path is not None and path.exists():
        with np.load(path, allow_pickle=False) as stored:
            recorded = {name: stored[name] for name in stored.files}
    else:
        recorded = _record(plan)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(path, **recorded)
    rng = np.random.default_rng([plan.seed, 5])
    exact_m = recorded.pop("exact_m")
    noisy = exact_m + NOISE_PER_M * exact_m**2 * rng.standard_normal(exact_m.shape, dtype=np.float32)
    depth_m = (np.rint(noisy / RESOLUTION_M) * RESOLUTION_M).astype(np.float32)
    covered = np.zeros((len(exact_m), 2), int)
    return SecondClip(plan, depth_m=depth_m, covered=covered, **recorded)


def draw(seed: int) -> Layout:
    """Sizes and places; things keep away from each other and from the carried one's way down."""
    rng = np.random.default_rng([seed, 1])
    half = rng.uniform([0.022, 0.022, 0.03], [0.034, 0.04, 0.055])
    start = np.array([rng.uniform(-0.3, -0.16), rng.uniform(-0.1, 0.12)])
    goal = np.array([rng.uniform(0.14, 0.3), rng.uniform(-0.12, 0.1)])
    taken, resting = [start, goal], []
    while len(resting) < 5:
        place = rng.uniform([-0.42, -0.16], [0.42, 0.34])
        if min(np.linalg.norm(place - other) for other in taken) > 0.15:
            taken.append(place)
            kind = ("box", "cylinder")[len(resting) % 2]
            size = rng.uniform([0.03, 0.03, 0.02], [0.06, 0.06, 0.09])
            resting.append((kind, size, place, float(rng.uniform(0, np.pi))))
    return Layout(bool(seed % 4 > 1), half, start, goal, float(rng.uniform(-1.0, 1.0)), resting)


def _record(plan: ClipPlan) -> dict[str, np.ndarray]:
    width, height = SIZE_PX
    model, data = _world(plan.seed)
    renderer = open_renderer(model, data, width_px=width, height_px=height)
    focal_px = focal_from_fov_px(FIELD_OF_VIEW_DEG, height)
    frames, depth_m, poses, states = [], [], [], []
    for share in np.linspace(0, 1, N_FRAMES):
        state = _state(draw(plan.seed), share)
        _pose(model, data, state)
        camera = Camera(_camera_from_world(plan, share), width, height, focal_px)
        image, depth = renderer.render(camera)
        frames.append(image)
        depth_m.append(depth)
        poses.append(camera.camera_from_world)
        states.append(state.ravel())
    renderer.close()
    return {
        "frames": np.stack(frames),
        "exact_m": np.stack(depth_m).astype(np.float32),
        "intrinsics": camera.intrinsics,
        "camera_from_world": np.stack(poses),
        "state": np.stack(states),
    }


def _pose(model: mujoco.MjModel, data: mujoco.MjData, state: np.ndarray) -> None:
    data.mocap_pos[:], data.mocap_quat[:] = state[:, :3], state[:, 3:]
    mujoco.mj_kinematics(model, data)
    mujoco.mj_camlight(model, data)


def _state(layout: Layout, share: float) -> np.ndarray:
    """Place and quaternion (w first) of the moving bodies after a share of the clip."""
    rest_z = layout.half_m[2]
    above = np.array([0, 0, rest_z + GRIP_DROP_M])
    start, goal = np.append(layout.start, 0) + above, np.append(layout.goal, 0) + above
    lift = np.array([0, 0, 0.2])
    away = np.array([-0.1, 0.16, 0.24])
    palm = _along(
        share,
        [(0.0, start + away), (0.22, start), (0.3, start), (0.48, (start + goal) / 2 + lift),
         (0.68, goal), (0.76, goal), (1.0, goal + away * [-1, 1, 1])],
    )  # fmt: skip
    closed, opened = layout.half_m[0] + 0.007, layout.half_m[0] + 0.03
    grip = _along(share, [(0.0, opened), (0.22, opened), (0.3, closed), (0.68, closed), (0.76, opened)])
    turn = float(_along(share, [(0.0, 0.0), (0.34, 0.0), (0.62, layout.turn_rad)]))
    held = 0.3 <= share < 0.68
    lies = np.append(layout.goal if share > 0.5 else layout.start, rest_z)
    thing = palm - [0, 0, GRIP_DROP_M] if held else lies
    facing = Rotation.from_euler("z", turn)
    sides = [palm + facing.apply([sign * float(grip), 0, -FINGER_DROP_M]) for sign in (-1, 1)]
    quaternion = facing.as_quat()[[3, 0, 1, 2]]
    return np.stack([np.concatenate([place, quaternion]) for place in (thing, palm, *sides)])


def _along(share: float, keys: list[tuple[float, np.ndarray]] | list[tuple[float, float]]) -> np.ndarray:
    """Between keys, starting and ending each way at rest (minimum jerk)."""
    for (before, a), (after, b) in pairwise(keys):
        if share <= after:
            s = min(1.0, max(0.0, (share - before) / (after - before)))
            return np.asarray(a) + (np.asarray(b) - np.asarray(a)) * s**3 * (10 - 15 * s + 6 * s * s)
    return np.asarray(keys[-1][1])


def _camera_from_world(plan: ClipPlan, share: float) -> np.ndarray:
    rng = np.random.default_rng([plan.seed, 3])
    eye = np.array([rng.uniform(-0.15, 0.15), -0.95, rng.uniform(0.55, 0.75)])
    target = np.array([0, 0.05, 0.06])
    sway = rng.uniform(0.05, 0.12, (2, 3)) * [[1, 0.5, 0.5], [0.4, 0.3, 0.2]]
    phase = rng.uniform(0, 6, (2, 3))
    if plan.moving_camera:
        angle = 2 * np.pi * share
        eye = eye + sway[0] * (np.sin(angle + phase[0]) - np.sin(phase[0]))
        target = target + sway[1] * (np.sin(angle + phase[1]) - np.sin(phase[1]))
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])  # rows: x right, y down, z forward
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation, -rotation @ eye
    return pose


def _texture(seed: int, colour: tuple[float, float, float]) -> bytes:
    rng = np.random.default_rng([seed, 7])
    image = np.zeros((TEXTURE_PX, TEXTURE_PX, 3), np.float32)
    for n_cells, weight in OCTAVES:
        coarse = rng.random((n_cells, n_cells, 3), dtype=np.float32)
        image += weight * cv2.resize(coarse, (TEXTURE_PX, TEXTURE_PX), interpolation=cv2.INTER_CUBIC)
    image = (image - image.min()) / np.ptp(image)
    mixed = 0.5 * image + 0.5 * np.array(colour, np.float32)
    done, png = cv2.imencode(".png", (255 * mixed).clip(0, 255).astype(np.uint8))
    assert done
    return io.BytesIO(png.tobytes()).getvalue()


def _geom(
    name: str, kind: str, half: np.ndarray, place: np.ndarray, turns_rad: tuple[float, float] = (0.0, 0.0)
) -> str:
    """Half sizes and place [m], turned about x and then z."""
    size = [half[0], half[2]] if kind == "cylinder" else half
    numbers = " ".join(f"{value:.5f}" for value in size)
    where = " ".join(f"{value:.5f}" for value in place)
    turns = f"{turns_rad[0]:.4f} 0 {turns_rad[1]:.4f}"
    return f'<geom type="{kind}" size="{numbers}" pos="{where}" euler="{turns}" material="{name}"/>'


def _model(seed: int) -> tuple[mujoco.MjModel, mujoco.MjData]:
    layout, zero = draw(seed), np.zeros(3)
    resting = {f"rest{n}": item for n, item in enumerate(layout.resting)}
    colours = np.random.default_rng([seed, 2]).uniform(0.15, 0.9, (len(resting) + 4, 3))
    names = ["desk", "wall", *resting, "thing", "gripper"]
    files = {f"{n}.png": _texture(100 * seed + i, tuple(colours[i])) for i, n in enumerate(names)}
    assets = "".join(
        f'<texture name="{n}" type="2d" file="{n}.png"/><material name="{n}" texture="{n}" specular="0"/>'
        for n in names
    )
    still = [
        _geom("desk", "box", np.array([0.9, 0.7, 0.02]), np.array([0, 0.1, -0.02])),
        _geom("wall", "box", np.array([1.8, 0.02, 1.0]), np.array([0, 0.85, 0.6])),
    ]
    for name, (kind, half, place, heading) in resting.items():
        still.append(_geom(name, kind, half, np.append(place, half[2]), (0.0, heading)))
    finger = np.array([0.007, 0.016, 0.045])
    parts = {
        "thing": _geom("thing", "cylinder" if layout.is_can else "box", layout.half_m, zero),
        "palm": _geom("gripper", "box", np.array([0.06, 0.028, 0.022]), zero)
        + _geom("gripper", "box", np.array([0.028, 0.028, 0.14]), np.array([0, 0.06, 0.14]), (-0.4, 0.0)),
        "left": _geom("gripper", "box", finger, zero),
        "right": _geom("gripper", "box", finger, zero),
    }
    bodies = "".join(f'<body name="{n}" mocap="true">{parts[n]}</body>' for n in MOVING_BODIES)
    xml = f"""<mujoco><compiler angle="radian"/><asset>{assets}</asset>
    <visual><map znear="0.05" zfar="20"/><headlight ambient=".45 .45 .45" diffuse=".3 .3 .3"/></visual>
    <worldbody><light pos="-0.5 -0.8 2" dir=".2 .4 -1" diffuse=".5 .5 .5"/>
    {"".join(still)}{bodies}</worldbody></mujoco>"""
    model = mujoco.MjModel.from_xml_string(xml, files)
    return model, mujoco.MjData(model)


_world = lru_cache(maxsize=1)(_model)
_ray_world = lru_cache(maxsize=1)(
    _model
)  # of its own, so that recording and asking do not disturb each other
