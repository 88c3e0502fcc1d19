"""The towel as MJCF: a grid of points, tied by edges of fixed length, that lies on the table and on itself.

    rows 0 .. 4    the lower half; each point carries a flat plate, on which the upper half can lie
    row 5          the crease
    rows 6 .. 9    the upper half; its points rest on the table and on the plates

What is simulated: 100 points of 0.8 g with weight, friction on the table and between the layers, and 261
edges that hold their length (MuJoCo's flex with edge equality): to 2 % at rest, to a tenth while the towel is
dragged, to a third when it is yanked. The cloth bends freely.

What is not: the layers touch as a book fold needs it, upper points on lower plates. Cloth that is folded
otherwise, say the lower half over the upper, passes through itself. The arm does not touch the cloth at
all; it holds it by the grasp assist of `mu0.envs.ur3.towel.grasp`, for which every point of the hem has a
constraint that ties it to the tool's centre and is switched off at first.

Points touch the table as spheres on a plane: a step with a flex that meets the table's box and itself takes
five times as long.
"""

import numpy as np
from jaxtyping import Float, Int

N_SIDE = 10
N_POINTS = N_SIDE * N_SIDE
CREASE_ROW = 5
LOWER_ROWS, UPPER_ROWS = range(CREASE_ROW), range(CREASE_ROW + 1, N_SIDE)
RADIUS_M = 0.004  # half the thickness
MASS_KG = 0.08
LARGEST_SIDE_M = 0.27
ON_TABLE, ON_CLOTH = 2, 4  # bits of contact; the arm and the table have 1
HIDDEN_GROUP = 4
FLEX = "towel"

_INDEX = np.arange(N_POINTS).reshape(N_SIDE, N_SIDE)
HEM: Int[np.ndarray, " hem"] = np.unique(np.concatenate([_INDEX[0], _INDEX[-1], _INDEX[:, 0], _INDEX[:, -1]]))
TRIANGLES: Int[np.ndarray, "162 3"] = np.concatenate(
    [
        np.stack([_INDEX[:-1, :-1], _INDEX[1:, :-1], _INDEX[1:, 1:]], axis=-1).reshape(-1, 3),
        np.stack([_INDEX[:-1, :-1], _INDEX[1:, 1:], _INDEX[:-1, 1:]], axis=-1).reshape(-1, 3),
    ]
)


def point_name(index: int) -> str:
    """Body of point `index`, counted row by row."""
    return f"towel_{index}"


def hold_name(index: int) -> str:
    """Constraint that ties point `index` to the tool."""
    return f"hold_{index}"


def flat_points(size_m: Float[np.ndarray, " 2"]) -> Float[np.ndarray, "100 2"]:
    """Points of a flat towel of that length (across the rows) and width around the origin [m]."""
    share = np.linspace(-0.5, 0.5, N_SIDE)
    along, across = np.meshgrid(share * size_m[0], share * size_m[1], indexing="ij")
    return np.stack([along, across], axis=-1).reshape(N_POINTS, 2)


def cloth_bodies_xml() -> str:
    """The points, as bodies that move along three axes and do not turn."""
    return "".join(_point_xml(index) for index in range(N_POINTS))


def cloth_sections_xml() -> str:
    """The surface between the points, the lengths of its edges, and the ties of the grasp assist."""
    names = " ".join(point_name(index) for index in range(N_POINTS))
    elements = " ".join(str(corner) for corner in TRIANGLES.ravel())
    texture = " ".join(f"{x:g}" for x in (flat_points(np.ones(2)) + 0.5).ravel())
    holds = "".join(
        f'<connect name="{hold_name(index)}" site1="tcp" site2="{point_name(index)}" active="false" '
        'solref="0.02 1"/>'
        for index in HEM.tolist()
    )
    return f"""
<deformable><flex name="{FLEX}" dim="2" radius="{RADIUS_M}" rgba="1 1 1 1" material="noise_0"
 body="{names}" element="{elements}" texcoord="{texture}">
 <edge damping="0.001"/>
 <contact contype="0" conaffinity="0" selfcollide="none"/>
</flex></deformable>
<equality><flex flex="{FLEX}" solref="0.01 1"/>{holds}</equality>"""


def _point_xml(index: int) -> str:
    row = index // N_SIDE
    x, y = flat_points(np.full(2, LARGEST_SIDE_M))[index]
    mass_kg = MASS_KG / N_POINTS
    touched = ON_TABLE + ON_CLOTH * (row in UPPER_ROWS)
    half_m = LARGEST_SIDE_M / (N_SIDE - 1) / 2
    look = f'mass="0" group="{HIDDEN_GROUP}" contype="0" solref="0.01 1"'
    ball = f'<geom type="sphere" size="{RADIUS_M}" conaffinity="{touched}" friction="0.8 0.01 0.001" {look}/>'
    plate = f'<geom type="box" size="{half_m:g} {half_m:g} {RADIUS_M}" friction="0.3 0.01 0.001" {look}/>'
    plate = plate.replace('contype="0"', f'contype="{ON_CLOTH}" conaffinity="0"')
    return (
        f'<body name="{point_name(index)}" pos="{x:.9g} {y:.9g} {RADIUS_M}">'
        f'<inertial pos="0 0 0" mass="{mass_kg:g}" diaginertia="1e-7 1e-7 1e-7"/>'
        '<joint type="slide" axis="1 0 0"/><joint type="slide" axis="0 1 0"/>'
        '<joint type="slide" axis="0 0 1"/>'
        f'<site name="{point_name(index)}" size="0.001" group="{HIDDEN_GROUP}"/>'
        f"{ball}{plate if row in LOWER_ROWS else ''}</body>"
    )
