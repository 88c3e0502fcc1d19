"""Exact tracks: points fixed to bodies, followed through the body poses of every frame.

No tracker is involved. Points are drawn on the surfaces of geoms; a point counts as visible in a frame when
it projects into the picture and the rendered depth at its pixel is its own depth to 1.2 cm. Of many
candidates those that are seen at least once are kept first, because a point inside the palm teaches nothing.

Cloth has no geoms: its points are drawn on its triangles and follow the three bodies at their corners. A
layer below another is 8 mm deeper, which a camera that looks down obliquely sees as more than the 1.2 cm, so
it does not count as visible.

Entities: 0 table, 1 arm or forearm, 2 gripper or hand, 3 target object, 4 sink or bowl, 5 to 99 distractors,
100 almonds.
"""

from dataclasses import dataclass

import mujoco
import numpy as np
from jaxtyping import Bool, Float, Int

from mu0.envs.camera import Camera
from mu0.envs.entities import ALMONDS, ARM, HAND, SINK, TABLE, TARGET

POINTS_PER_ENTITY = {TABLE: 30, ARM: 48, HAND: 48, TARGET: 48, SINK: 22, ALMONDS: 30}
POINTS_PER_DISTRACTOR = 10
CANDIDATES_PER_POINT = 4
DEPTH_TOLERANCE_M = 0.012
MOVING_M = 0.02


@dataclass(frozen=True)
class GroundTruthTracks:
    """Body-fixed surface points followed exactly; nothing in the pipeline but audits may look at them.

    `entity`: see the module header. `is_moving`: the point leaves its first position by more than 2 cm.
    """

    points_world: Float[np.ndarray, "t n 3"]
    visible: Bool[np.ndarray, "t n"]
    entity: Int[np.ndarray, " n"]
    is_moving: Bool[np.ndarray, " n"]


class TruthRecorder:
    """Draws the points of one clip, then looks at every frame.

    Args:
        model: The scene.
        entity_of_geom: Entities of the geoms whose surfaces are followed.
        rng: Draws the points.
        entity_of_cloth: Entities of two-dimensional flexes, by number; a cloth's points count for bodies.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        entity_of_geom: dict[int, int],
        rng: np.random.Generator,
        entity_of_cloth: dict[int, int] | None = None,
    ) -> None:
        bodies, local, entity = [], [], []
        for number in sorted(set(entity_of_geom.values())):
            geoms = [geom for geom, owner in entity_of_geom.items() if owner == number]
            n_points = POINTS_PER_ENTITY.get(number, POINTS_PER_DISTRACTOR) * CANDIDATES_PER_POINT
            areas = np.array([_area(model, geom) for geom in geoms])
            for geom in rng.choice(geoms, n_points, p=areas / areas.sum()):
                bodies.append(model.geom_bodyid[geom])
                local.append(_surface_point(model, int(geom), rng))
                entity.append(number)
        corners, weights = [], []
        for flex, number in (entity_of_cloth or {}).items():
            n_points = POINTS_PER_ENTITY.get(number, POINTS_PER_DISTRACTOR) * CANDIDATES_PER_POINT
            triangles = rng.choice(flex_triangles(model, flex), n_points)
            corners.append(model.flex_vertbodyid[triangles])
            weights.append(rng.dirichlet(np.ones(3), n_points))
            entity += [number] * n_points
        self._bodies = np.array(bodies)
        self._local = np.array(local)
        self._corners = np.concatenate([np.zeros((0, 3), int), *corners])
        self._weights = np.concatenate([np.zeros((0, 3)), *weights])
        self._entity = np.array(entity, np.int32)
        self._points: list[np.ndarray] = []
        self._visible: list[np.ndarray] = []

    def look(self, data: mujoco.MjData, camera: Camera, depth_m: Float[np.ndarray, "h w"]) -> None:
        """Note where the points are now, and which of them `camera` sees in the noise-free `depth_m`."""
        rotation = data.xmat[self._bodies].reshape(-1, 3, 3)
        points = data.xpos[self._bodies] + np.einsum("nij,nj->ni", rotation, self._local)
        if len(self._corners):
            on_cloth = np.einsum("nij,ni->nj", data.xpos[self._corners], self._weights)
            points = np.concatenate([points, on_cloth])
        self._points.append(points)
        self._visible.append(is_visible(points, camera, depth_m))

    def finish(self) -> GroundTruthTracks:
        """The tracks of the kept points, by entity."""
        points, visible = np.stack(self._points, axis=0), np.stack(self._visible, axis=0)
        keep = self._kept(visible.sum(axis=0))
        points, visible = points[:, keep].astype(np.float32), visible[:, keep]
        moved_m = np.linalg.norm(points - points[:1], axis=-1).max(axis=0)
        return GroundTruthTracks(points, visible, self._entity[keep], moved_m > MOVING_M)

    def _kept(self, n_seen: Int[np.ndarray, " n"]) -> Int[np.ndarray, " kept"]:
        kept = []
        for number in np.unique(self._entity):
            members = np.flatnonzero(self._entity == number)
            seen_first = members[np.argsort(n_seen[members] == 0, kind="stable")]
            kept.append(np.sort(seen_first[: len(members) // CANDIDATES_PER_POINT]))
        return np.concatenate(kept)


def flex_triangles(model: mujoco.MjModel, flex: int) -> Int[np.ndarray, "m 3"]:
    """Triangles of a two-dimensional flex, as numbers among the points of all flexes."""
    start, number = int(model.flex_elemdataadr[flex]), int(model.flex_elemnum[flex])
    return model.flex_elem[start : start + 3 * number].reshape(-1, 3) + model.flex_vertadr[flex]


def is_visible(
    points_world: Float[np.ndarray, "n 3"], camera: Camera, depth_m: Float[np.ndarray, "h w"]
) -> Bool[np.ndarray, " n"]:
    """Which points lie in the picture and on the surface that it shows."""
    pixels, point_depth_m = camera.project(points_world)
    limit = np.array([camera.width_px, camera.height_px])
    inside = np.all((pixels > -0.5) & (pixels < limit - 0.5), axis=1) & (point_depth_m > 0)
    column, row = np.rint(np.where(inside[:, None], pixels, 0)).astype(int).T
    return inside & (np.abs(depth_m[row, column] - point_depth_m) < DEPTH_TOLERANCE_M)


def _area(model: mujoco.MjModel, geom: int) -> float:
    """Roughly the surface [m2], to share points fairly."""
    a, b, c = model.geom_size[geom]
    kind = model.geom_type[geom]
    if kind == mujoco.mjtGeom.mjGEOM_BOX:
        return 8 * (a * b + b * c + a * c)
    if kind in (mujoco.mjtGeom.mjGEOM_CYLINDER, mujoco.mjtGeom.mjGEOM_CAPSULE):
        return 4 * np.pi * a * (b + a / 2)
    return 4 * np.pi * a**2


def _surface_point(model: mujoco.MjModel, geom: int, rng: np.random.Generator) -> Float[np.ndarray, " 3"]:
    """A random point on a geom, in the frame of its body."""
    rotation = np.zeros(9)
    mujoco.mju_quat2Mat(rotation, model.geom_quat[geom])
    point = _on_primitive(int(model.geom_type[geom]), model.geom_size[geom], rng)
    return model.geom_pos[geom] + rotation.reshape(3, 3) @ point


def _on_primitive(
    kind: int, size: Float[np.ndarray, " 3"], rng: np.random.Generator
) -> Float[np.ndarray, " 3"]:
    """A random point on the surface of a primitive, in its own frame."""
    a, b, _ = size
    direction = rng.normal(size=3)
    direction /= np.linalg.norm(direction)
    if kind == mujoco.mjtGeom.mjGEOM_BOX:
        face_areas = np.array([size[1] * size[2], size[0] * size[2], size[0] * size[1]])
        point = rng.uniform(-1, 1, 3)
        axis = _draw(rng, face_areas / face_areas.sum())
        point[axis] = np.sign(direction[axis])
        return point * size
    if kind == mujoco.mjtGeom.mjGEOM_SPHERE:
        return direction * a
    if kind == mujoco.mjtGeom.mjGEOM_ELLIPSOID:
        return direction * size
    ring = direction[:2] / np.linalg.norm(direction[:2])
    if rng.random() < b / (b + a / 2):
        return np.array([*(ring * a), rng.uniform(-b, b)])
    if kind == mujoco.mjtGeom.mjGEOM_CAPSULE:
        return direction * a + np.array([0, 0, np.sign(direction[2]) * b])
    return np.array([*(ring * a * np.sqrt(rng.random())), np.sign(direction[2]) * b])


def _draw(rng: np.random.Generator, shares: Float[np.ndarray, " n"]) -> int:
    """The number that `rng.choice(n, p=shares)` gives, in a tenth of its time."""
    edges = shares.cumsum()
    return int((edges / edges[-1]).searchsorted(rng.random(), side="right"))
