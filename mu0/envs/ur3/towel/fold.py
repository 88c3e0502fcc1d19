"""What a seed decides about a towel: its looks and size, where it would lie flat, and how it is folded.

    flat towel ── its upper half turned over a line just beyond row 5 ── moved to its place, turned by its yaw

It is a book fold from the left, the right, the front or the back: the upper half's hem ends a row before the
lower one's, and the line of the fold is a little oblique, as people fold.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from mu0.envs.levels import LEVELS, Level
from mu0.envs.objects import UNSEEN, Catalogue
from mu0.envs.surroundings import Surroundings, draw_surroundings, looking_different, seen_from_elsewhere
from mu0.envs.ur3.towel.cloth import CREASE_ROW, N_POINTS, N_SIDE, RADIUS_M, flat_points
from mu0.envs.ur3.towel.patterns import UNSEEN_PATTERNS, USUAL_PATTERNS

# nearer than 0.16 m to the base the gripper meets the upper arm; the workspace ends at x = 0.48 m
CENTRE_M = np.array([[0.32, 0.34], [-0.07, 0.07]])
ANY_CENTRE_M = np.array([[0.32, 0.34], [-0.15, 0.15]])  # of level `layouts`
TURN_RAD, ANY_TURN_RAD = 0.25, 0.4  # from lying straight
SIDE_M = (0.20, 0.24)
UNSEEN_SIDES_M = np.array([[0.17, 0.19], [0.245, 0.255]])
TILT_RAD = 0.05  # of the line of the fold
SHIFT_ROWS = (0.1, 0.4)  # of that line beyond row 5; before it the crease would creep
WRINKLE_M = 0.004
LAYER_M = 2 * RADIUS_M
PHRASES = (
    "unfold the {thing}",
    "spread out the {thing}",
    "open the folded {thing}",
    "lay the {thing} flat on the table",
)


@dataclass(frozen=True)
class TowelLayout:
    """Everything about a towel scene that does not move by itself.

    `size_m`: length across the fold, and width. `centre_m`, `yaw_rad`: where the flat towel would lie; it is
    unfolded towards `yaw_rad`. `fold_tilt_rad`, `fold_shift_rows`: how oblique the line of the fold is, and
    how far beyond row 5. `wrinkles_m`: by how much each point begins higher.
    """

    seed: int
    colour: str
    rgb: Float[np.ndarray, " 3"]
    pattern: str
    size_m: Float[np.ndarray, " 2"]
    centre_m: Float[np.ndarray, " 2"]
    yaw_rad: float
    fold_tilt_rad: float
    fold_shift_rows: float
    wrinkles_m: Float[np.ndarray, " 100"]
    surroundings: Surroundings

    @property
    def phrase(self) -> str:
        """How people call it: `blue towel`."""
        return f"{self.colour} towel"


def draw_towel_layout(seed: int, level: Level = "in_distribution") -> TowelLayout:
    """The towel scene that belongs to `seed`, as different as `level` says."""
    setting = LEVELS[level]
    layout = _usual_layout(seed, setting.catalogue)
    if setting.catalogue is UNSEEN:
        return _another_towel(layout, np.random.default_rng([seed, 2]))
    if setting.moves_places:
        return _elsewhere(layout, np.random.default_rng([seed, 3]))
    if setting.changes_looks:
        rng = np.random.default_rng([seed, 4])
        return replace(layout, surroundings=looking_different(layout.surroundings, rng))
    return layout


def _usual_layout(seed: int, catalogue: Catalogue) -> TowelLayout:
    rng = np.random.default_rng([seed, 0])
    colour = str(rng.choice(list(catalogue.colours)))
    return TowelLayout(
        seed=seed,
        colour=colour,
        rgb=np.clip(np.array(catalogue.colours[colour]) + rng.normal(0, 0.03, 3), 0, 1),
        pattern=str(rng.choice(USUAL_PATTERNS)),
        size_m=rng.uniform(*SIDE_M, 2),
        centre_m=rng.uniform(CENTRE_M[:, 0], CENTRE_M[:, 1]),
        yaw_rad=_any_side_rad(rng) + float(rng.uniform(-TURN_RAD, TURN_RAD)),
        fold_tilt_rad=float(rng.uniform(-TILT_RAD, TILT_RAD)),
        fold_shift_rows=float(rng.uniform(*SHIFT_ROWS)),
        wrinkles_m=rng.uniform(0, WRINKLE_M, N_POINTS),
        surroundings=draw_surroundings(rng),
    )


def _any_side_rad(rng: np.random.Generator) -> float:
    return float(rng.integers(4)) * np.pi / 2


def _another_towel(layout: TowelLayout, rng: np.random.Generator) -> TowelLayout:
    """Smaller or larger than usual, with a pattern of no training scene."""
    smallest_m, largest_m = UNSEEN_SIDES_M[rng.integers(2)]
    size_m = rng.uniform(smallest_m, largest_m, 2)
    return replace(layout, size_m=size_m, pattern=str(rng.choice(UNSEEN_PATTERNS)))


def _elsewhere(layout: TowelLayout, rng: np.random.Generator) -> TowelLayout:
    """Anywhere in reach, turned any way, seen by a camera that was moved."""
    return replace(
        layout,
        centre_m=rng.uniform(ANY_CENTRE_M[:, 0], ANY_CENTRE_M[:, 1]),
        yaw_rad=_any_side_rad(rng) + float(rng.uniform(-ANY_TURN_RAD, ANY_TURN_RAD)),
        surroundings=seen_from_elsewhere(layout.surroundings, float(rng.choice([-1.0, 1.0])), rng),
    )


def instruction_for_towel(layout: TowelLayout, rng: np.random.Generator) -> str:
    """One way to say what is to be done."""
    return str(rng.choice(PHRASES)).format(thing=layout.phrase)


def folded_points(layout: TowelLayout) -> Float[np.ndarray, "100 3"]:
    """Where the points of the folded towel are put, before they settle; base frame [m]."""
    flat = flat_points(layout.size_m)
    row_m = layout.size_m[0] / (N_SIDE - 1)
    on_line = np.array([(CREASE_ROW + layout.fold_shift_rows) * row_m - layout.size_m[0] / 2, 0.0])
    normal = np.array([np.cos(layout.fold_tilt_rad), np.sin(layout.fold_tilt_rad)])
    beyond_m = np.clip((flat - on_line) @ normal, 0, None)
    folded = flat - 2 * beyond_m[:, None] * normal
    height_m = RADIUS_M + LAYER_M * (beyond_m > 0) + layout.wrinkles_m
    cosine, sine = np.cos(layout.yaw_rad), np.sin(layout.yaw_rad)
    turned = folded @ np.array([[cosine, sine], [-sine, cosine]])
    return np.column_stack([turned + layout.centre_m, height_m])
