"""What a seed decides about a scene: where things are, what they look like, where the camera stands.

A layout is drawn completely from one seed, before any physics, so that several clips can share a scene and
differ only in the target object and the start pose (the `variant`).
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from mu0.envs.levels import LEVELS, Level
from mu0.envs.objects import USUAL, Catalogue
from mu0.envs.surroundings import Surroundings, draw_surroundings, looking_different, seen_from_elsewhere
from mu0.envs.textures import OBJECT_TEXTURES

OBJECT_AREA_M = np.array([[0.20, 0.40], [-0.22, 0.08]])  # x and y range
MIN_SPACING_M = 0.135
N_OBJECTS_PROBABILITY = (0.6, 0.25, 0.15)  # the target alone, one distractor, two
ANY_SINK_M = np.array([[0.22, 0.34], [0.22, 0.30]])  # of level `layouts`: x, and y to either side
PHRASES = (
    "pick the {thing} and put it into the sink",
    "put the {thing} into the sink",
    "place the {thing} in the sink",
    "move the {thing} to the sink",
)


@dataclass(frozen=True)
class PlacedObject:
    """One object of a scene; `rgb` is the named colour with a little variation."""

    kind: str
    colour: str
    rgb: Float[np.ndarray, " 3"]
    texture: str
    xy_m: Float[np.ndarray, " 2"]
    yaw_rad: float

    @property
    def phrase(self) -> str:
        """How people call it: `red apple`."""
        return f"{self.colour} {self.kind}"


@dataclass(frozen=True)
class Layout:
    """Everything about a scene that does not move by itself."""

    seed: int
    objects: tuple[PlacedObject, ...]
    sink_xy_m: Float[np.ndarray, " 2"]
    sink_rgb: Float[np.ndarray, " 3"]
    surroundings: Surroundings

    def target(self, variant: int) -> PlacedObject:
        """The object that variant number `variant` of this scene is about."""
        return self.objects[variant % len(self.objects)]


def draw_layout(seed: int, catalogue: Catalogue = USUAL, level: Level = "in_distribution") -> Layout:
    """The layout that belongs to `seed`, of things in `catalogue`, as different as `level` says."""
    layout = _usual_layout(seed, catalogue)
    if LEVELS[level].moves_places:
        return _elsewhere(layout, np.random.default_rng([seed, 3]))
    if LEVELS[level].changes_looks:
        return _looking_different(layout, np.random.default_rng([seed, 4]))
    return layout


def _usual_layout(seed: int, catalogue: Catalogue) -> Layout:
    rng = np.random.default_rng([seed, 0])
    n_objects = int(rng.choice(len(N_OBJECTS_PROBABILITY), p=N_OBJECTS_PROBABILITY)) + 1
    grey = rng.uniform(0.6, 0.95)
    return Layout(
        seed=seed,
        objects=_draw_objects(rng, n_objects, catalogue),
        sink_xy_m=np.array([rng.uniform(0.24, 0.32), rng.uniform(0.25, 0.30)]),
        sink_rgb=np.clip(grey + rng.normal(0, 0.02, 3), 0, 1),
        surroundings=draw_surroundings(rng),
    )


def instruction_for(target: PlacedObject, rng: np.random.Generator) -> str:
    """One way to say what is to be done."""
    return str(rng.choice(PHRASES)).format(thing=target.phrase)


def _elsewhere(layout: Layout, rng: np.random.Generator) -> Layout:
    """The sink anywhere on either side, things and camera mirrored with it, the camera moved besides."""
    side = float(rng.choice([-1.0, 1.0]))
    mirror = np.array([1.0, side])
    return replace(
        layout,
        objects=tuple(replace(each, xy_m=each.xy_m * mirror) for each in layout.objects),
        sink_xy_m=rng.uniform(ANY_SINK_M[:, 0], ANY_SINK_M[:, 1]) * mirror,
        surroundings=seen_from_elsewhere(layout.surroundings, side, rng),
    )


def _looking_different(layout: Layout, rng: np.random.Generator) -> Layout:
    """Colours and light of no training scene; things keep theirs, for sentences name them."""
    return replace(
        layout,
        sink_rgb=rng.uniform(0.2, 0.95, 3),
        surroundings=looking_different(layout.surroundings, rng),
    )


def _draw_objects(rng: np.random.Generator, n_objects: int, catalogue: Catalogue) -> tuple[PlacedObject, ...]:
    kinds = rng.choice(list(catalogue.kinds), n_objects, replace=False)
    colours = rng.choice(list(catalogue.colours), n_objects, replace=False)
    textures = rng.choice(OBJECT_TEXTURES, n_objects, replace=False)
    places = _draw_places(rng, n_objects)
    return tuple(
        PlacedObject(
            kind=str(kind),
            colour=str(colour),
            rgb=np.clip(np.array(catalogue.colours[str(colour)]) + rng.normal(0, 0.03, 3), 0, 1),
            texture=str(texture),
            xy_m=place,
            yaw_rad=float(rng.uniform(-np.pi, np.pi)),
        )
        for kind, colour, texture, place in zip(kinds, colours, textures, places, strict=True)
    )


def _draw_places(rng: np.random.Generator, n_objects: int) -> list[Float[np.ndarray, " 2"]]:
    """Places far enough apart for open fingers; a hopeless beginning is drawn anew."""
    places: list[Float[np.ndarray, " 2"]] = []
    n_misses = 0
    while len(places) < n_objects:
        place = rng.uniform(OBJECT_AREA_M[:, 0], OBJECT_AREA_M[:, 1])
        if all(np.linalg.norm(place - other) >= MIN_SPACING_M for other in places):
            places.append(place)
            continue
        n_misses += 1
        if n_misses % 50 == 0:
            places.clear()
    return places
