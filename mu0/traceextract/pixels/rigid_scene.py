"""Which pixel tracks move by themselves when the camera moves too and nothing tells depth.

In a picture everything moves with the camera, near things more than far ones; that parallax is no motion. Two
pictures of a still scene, however deep, obey one of three laws, tried in this order

    rest         the camera stood still: points stay
    homography   it only turned, or all that is seen is a plane: a point has one place to go
    epipolar     it moved: a point has a line to go along, and how far tells its depth

The law is fitted to most of the points (RANSAC) of many pairs of frames, short and long intervals; between
the last two decides Torr's GRIC, which charges each for its freedom. The *violation* of a point is how far
off it is in its worst pairs, a tenth of them left out. After a first round, laws are fitted to the points
that obeyed them best. A point moves if it violates them by more than the noise and some of its neighbours do
too, for a track that slides along an edge slides alone. If the camera stood all the time, a point moves if it
gets away from its place in the picture.

Where this cannot be known, `SceneReport` says so: the still scene is what most points agree on, and those may
be the wrong ones; with too few points there is no law at all.

Sources
    Hartley and Zisserman, Multiple View Geometry, 2nd ed., 11.4.3 (Sampson distance), 4.7 (RANSAC).
    GRIC: Torr, Zisserman, Maybank, "Robust detection of degenerate configurations", CVIU 71, 1998.
    Limits: simulated clips from seed 55000 without their depth (`benchmarks/moving_camera.py`).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from mu0.traceextract.pixels.scene_laws import NOISE_PX, distance_px, fit_law
from mu0.traceextract.tracking.displacement import displacement

REFERENCE_DIAGONAL_PX = 800.0  # of the pictures that the limits are meant for
GAPS = (3, 6, 12, 24, 48)  # frames between the pictures of a pair
REST_PX = 1.0
SMALLEST_SCALE = 0.5  # tracks of small pictures are not better than this share of the noise above
REST_SHARE = 0.25  # so many points that stay by chance: only if the camera stands
BACKGROUND_REST_SHARE = 0.5  # the same of points that were chosen on still surfaces
CELL_SHARE = 1 / 32  # of the diagonal: of points so close together one votes
MIN_REST_POINTS = 4
RESTING_PAIRS = 0.9  # of all pairs, and the camera stands
VIOLATION_SHARE = 0.1875  # of the movement limit: a law sees only the part of a motion that breaks it
MIN_LIMIT = 2.0  # in units of the noise
WORST_SHARE, MAX_WORST = 0.1, 12
VIOLATING_PX = 3.0
OBEDIENT_SHARE = 0.1  # of a point's pairs that it may violate in the first round
N_NEIGHBOURS, MIN_NEIGHBOURS, NEIGHBOUR_SHARE = 4, 2, 0.6
N_NEIGHBOUR_FRAMES = 16
MIN_PAIRS = 4
MAJORITY = 0.5


@dataclass(frozen=True)
class SceneReport:
    """Who moves, and how sure that is.

    Attributes:
        is_moving: Points that move by themselves.
        violation_px: How far each point is from what a still one does; 0 if nothing is known about it.
        camera_moves: Share of the pairs of frames between which the camera moved.
        still_share: Share of the points that obey the laws of a still scene, a crowd on one spot as one.
        n_pairs: Pairs of frames that could be judged.
        is_spread: Still points are spread over the picture at least as widely as those that move.
    """

    is_moving: Bool[np.ndarray, " n"]
    violation_px: Float[np.ndarray, " n"]
    camera_moves: float
    still_share: float
    n_pairs: int
    is_spread: bool

    @property
    def is_doubtful(self) -> bool:
        """Too little to judge by, or what is taken for the still scene is smaller than what moves."""
        if self.n_pairs < MIN_PAIRS:
            return True
        return self.camera_moves > 1 - RESTING_PAIRS and (self.still_share < MAJORITY or not self.is_spread)

    def residuals(self) -> dict[str, float]:
        """For the quality row, by name."""
        return {
            "camera_moves_share": self.camera_moves,
            "still_points_share": self.still_share,
            "motion_doubtful": float(self.is_doubtful),
        }


def judge_scene(
    pixel: Float[np.ndarray, "t n 2"],
    is_seen: Bool[np.ndarray, "t n"],
    diagonal_px: float,
    movement_share: float,
    on_background: Bool[np.ndarray, " n"] | None = None,
) -> SceneReport:
    """Tell points that move by themselves from points that only the camera moves.

    Args:
        pixel: Where each point is in each frame.
        is_seen: Where `pixel` says something.
        diagonal_px: Of the picture.
        movement_share: Of the diagonal; what gets farther moves.
        on_background: Points that were chosen on still surfaces; they may tell that the camera stands.
    """
    scale = max(diagonal_px / REFERENCE_DIAGONAL_PX, SMALLEST_SCALE)
    limit_px = max(VIOLATION_SHARE * movement_share * diagonal_px, MIN_LIMIT * NOISE_PX * scale)
    pixel = pixel.astype(np.float64)
    if on_background is None:
        on_background = np.zeros(is_seen.shape[1], bool)
    off_px, rests = _residuals(pixel, is_seen, np.ones_like(on_background), on_background, scale)
    if len(off_px) == 0:
        nobody = np.zeros(is_seen.shape[1])
        return SceneReport(nobody > 0, nobody, 0.0, 1.0, 0, is_spread=True)
    if rests.mean() >= RESTING_PAIRS:
        extent_px = displacement(pixel, is_seen)
        moves = extent_px > movement_share * diagonal_px
        return _report(moves, extent_px, rests, _places(pixel, is_seen), scale)
    violates = (off_px > VIOLATING_PX * scale).sum(0) / np.maximum(np.isfinite(off_px).sum(0), 1)
    obeys = violates <= max(OBEDIENT_SHARE, float(np.median(violates)))
    off_px, rests = _residuals(pixel, is_seen, obeys, on_background, scale)
    violation_px = _worst(off_px)
    moves = violation_px > limit_px
    moves &= _supported(pixel, is_seen, violation_px > NEIGHBOUR_SHARE * limit_px)
    return _report(moves, violation_px, rests, _places(pixel, is_seen), scale)


def _report(
    moves: Bool[np.ndarray, " n"],
    violation_px: Float[np.ndarray, " n"],
    rests: Bool[np.ndarray, " p"],
    place: Float[np.ndarray, "n 2"],
    scale: float,
) -> SceneReport:
    known = np.isfinite(place).all(1)
    is_spread = _spread_px(place[known & ~moves]) >= _spread_px(place[known & moves])
    crowd = np.unique(_cells(place[known], scale), return_inverse=True)[1]
    weight = 1 / np.bincount(crowd)[crowd]
    still_share = float(weight[~moves[known]].sum() / weight.sum()) if known.any() else 1.0
    return SceneReport(
        moves, violation_px, float((~rests).mean()), still_share, len(rests), is_spread=is_spread
    )


def _places(pixel: Float[np.ndarray, "t n 2"], is_seen: Bool[np.ndarray, "t n"]) -> Float[np.ndarray, "n 2"]:
    """Where each point is on average; NaN if it is never seen."""
    total = np.where(is_seen[..., None], pixel, 0).sum(0)
    count = is_seen.sum(0)[:, None]
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _spread_px(place: Float[np.ndarray, "k 2"]) -> float:
    """Median distance of places from their middle."""
    if len(place) == 0:
        return 0.0
    return float(np.median(distance_px(place, np.median(place, 0, keepdims=True).repeat(len(place), 0))))


def _pairs(n_frames: int) -> list[tuple[int, int]]:
    """Pairs of frames; starts are half an interval apart."""
    return [
        (start, start + gap) for gap in GAPS for start in range(0, n_frames - gap, gap // 2) if gap < n_frames
    ]


def _residuals(
    pixel: Float[np.ndarray, "t n 2"],
    is_seen: Bool[np.ndarray, "t n"],
    fits: Bool[np.ndarray, " n"],
    on_background: Bool[np.ndarray, " n"],
    scale: float,
) -> tuple[Float[np.ndarray, "p n"], Bool[np.ndarray, " p"]]:
    """How far off points are in each pair that can be judged, NaN if not seen; and where the camera rests.

    Points that `fits` decide about the laws. Pairs in which they obey badly (a distorting lens) count less.
    """
    lines, rests = [], []
    for first, second in _pairs(len(pixel)):
        both = np.flatnonzero(is_seen[first] & is_seen[second])
        here, there = pixel[first, both], pixel[second, both]
        rest = _rests(here, there, on_background[both], scale)
        votes = fits[both] & _one_per_cell(here, scale)
        law = distance_px if rest else fit_law(here[votes], there[votes], scale)
        if law is None:
            continue
        off_px = law(here, there)
        asked = votes & (off_px < REST_PX * scale) if rest else votes
        noise_px = 1.4826 * float(np.median(off_px[asked])) if asked.any() else 0.0
        line = np.full(pixel.shape[1], np.nan)
        line[both] = off_px * min(1.0, NOISE_PX * scale / max(noise_px, 1e-9))
        lines.append(line)
        rests.append(rest)
    return np.array(lines).reshape(len(lines), pixel.shape[1]), np.array(rests, bool)


def _rests(
    here: Float[np.ndarray, "k 2"],
    there: Float[np.ndarray, "k 2"],
    on_background: Bool[np.ndarray, " k"],
    scale: float,
) -> bool:
    """Whether so many points stay that the camera must stand."""
    stays = distance_px(here, there) < REST_PX * scale
    background = stays[on_background]
    if len(background) >= MIN_REST_POINTS and background.mean() >= BACKGROUND_REST_SHARE:
        return True
    return len(stays) >= MIN_REST_POINTS and bool(stays.mean() >= REST_SHARE)


def _cells(place: Float[np.ndarray, "k 2"], scale: float) -> Int[np.ndarray, " k"]:
    """Number of the cell of the picture that each place is in."""
    column, row = np.floor(place / (CELL_SHARE * REFERENCE_DIAGONAL_PX * scale)).astype(int).T
    return row * 10_000 + column


def _one_per_cell(place: Float[np.ndarray, "k 2"], scale: float) -> Bool[np.ndarray, " k"]:
    """The first point of each cell, so that a crowd on one thing has no more votes than its area."""
    votes = np.zeros(len(place), bool)
    votes[np.unique(_cells(place, scale), return_index=True)[1]] = True
    return votes


def _worst(off_px: Float[np.ndarray, "p n"]) -> Float[np.ndarray, " n"]:
    """Off by so much in a tenth of its pairs, but in `MAX_WORST` at most; 0 for points in no pair."""
    count = np.isfinite(off_px).sum(0)
    rank = np.clip(np.ceil(WORST_SHARE * count).astype(int), 1, MAX_WORST) - 1
    falling = -np.sort(-np.nan_to_num(off_px), 0)
    return np.where(count > 0, falling[rank, np.arange(len(count))], 0.0)


def _supported(
    pixel: Float[np.ndarray, "t n 2"], is_seen: Bool[np.ndarray, "t n"], odd: Bool[np.ndarray, " n"]
) -> Bool[np.ndarray, " n"]:
    """Points of whose nearest neighbours enough are odd too."""
    n_points = pixel.shape[1]
    frames = np.unique(np.linspace(0, len(pixel) - 1, N_NEIGHBOUR_FRAMES).round().astype(int))
    total, count = np.zeros((n_points, n_points)), np.zeros((n_points, n_points), int)
    for frame in frames:
        seen = np.flatnonzero(is_seen[frame])
        here, grid = pixel[frame][seen], np.ix_(seen, seen)
        total[grid] += np.linalg.norm(here[:, None] - here, axis=-1)
        count[grid] += 1
    apart = np.where(count > 0, total / np.maximum(count, 1), np.inf)
    np.fill_diagonal(apart, np.inf)
    nearest: Int[np.ndarray, "n k"] = np.argsort(apart, 1, kind="stable")[:, :N_NEIGHBOURS]
    is_near = np.isfinite(np.take_along_axis(apart, nearest, 1))
    return (odd[nearest] & is_near).sum(1) >= MIN_NEIGHBOURS
