"""Which thing, where: does μ0 find what the sentence names, in scenes that it has never seen?

    python benchmarks/grounding.py --world-model models/world_model [--n 150] [--out maps.png]

Simulated UR3 scenes, the first frame, the plain instruction; scenes with one thing and with several apart.
A place counts as right if the nearest thing is the named one, and that is not farther away than 6 cm.

    depth        place in metres by the depth picture (`mu0.trace_policy.named_finder`)
    no depth     by the table's plane, 3 cm above it
    absent       asked for a thing of another colour and kind than all that lie there: refused as it should be

JSON on stdout; with --out pictures of the maps of the first scenes.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

from mu0.envs.objects import USUAL
from mu0.envs.ur3.environment import Ur3Environment
from mu0.errors import PredictionError
from mu0.evaluation.statistics.wilson import wilson_interval
from mu0.model.grounding import ground, named_heat
from mu0.model.predictor import TracePredictor
from mu0.records import Observation
from mu0.trace_policy.named_finder import NamedFinder
from mu0.trace_policy.refusals import UnknownObjectError
from mu0.trace_policy.sources import AbstractTargetFinder, Moment
from mu0.trace_policy.ur3 import front_view, read_ur3

RIGHT_M = 0.06
N_SHOWN, SHOWN_PX, COLUMNS = 12, 256, 6


def looked_at(environment: Ur3Environment, observation: Observation) -> Moment:
    """The question of a policy at the first frame; a finder needs nothing of the hand."""
    tool = read_ur3(observation.proprioception)
    nothing = np.zeros(0, int), np.zeros((0, 3))
    return Moment(observation, front_view(environment), tool, *nothing, holding=False, seed=0)


def error_m(environment: Ur3Environment, finder: AbstractTargetFinder, moment: Moment) -> tuple[bool, float]:
    """Whether the right thing was found, and how far beside its middle, along the table."""
    try:
        place_m = finder.find(moment).mean(axis=0)
    except UnknownObjectError:
        return False, float("nan")
    middles = np.stack([thing.xy_m for thing in environment.layout.objects])
    away_m = np.linalg.norm(middles - place_m[:2], axis=1)
    named = environment.layout.objects.index(environment.target)
    return bool(away_m.argmin() == named and away_m[named] < RIGHT_M), float(away_m[named])


def absent_phrase(environment: Ur3Environment) -> str:
    """A thing of the catalogue that shares neither colour nor kind with any that lie there."""
    colours = {thing.colour for thing in environment.layout.objects}
    kinds = {thing.kind for thing in environment.layout.objects}
    colour = next(colour for colour in USUAL.colours if colour not in colours)
    return f"{colour} {next(kind for kind in USUAL.kinds if kind not in kinds)}"


def is_refused(predictor: TracePredictor, observation: Observation) -> bool:
    """Whether nothing is found."""
    try:
        ground(predictor, observation)
    except PredictionError:
        return True
    return False


def told(rows: list[dict[str, float | bool]]) -> dict[str, object]:
    """Rates with Wilson intervals, and medians over all scenes, right or wrong."""
    found: dict[str, object] = {"n": len(rows)}
    for name in ("depth", "no_depth"):
        rate = wilson_interval(sum(bool(row[f"{name}_right"]) for row in rows), len(rows))
        found[f"{name}_right"] = f"{rate.n_successes}/{rate.n_trials} [{rate.low:.3f}, {rate.high:.3f}]"
        errors_cm = 100 * np.array([row[f"{name}_m"] for row in rows])
        found[f"{name}_median_cm"] = round(float(np.nanmedian(errors_cm)), 2)
    refused = wilson_interval(sum(bool(row["absent"]) for row in rows), len(rows))
    return found | {"absent_refused": f"{refused.n_successes}/{refused.n_trials}"}


def picture_of(predictor: TracePredictor, observation: Observation) -> np.ndarray:
    """The map over the picture, BGR."""
    image = cv2.resize(observation.image, (SHOWN_PX, SHOWN_PX))[..., ::-1]
    heat = cv2.resize(named_heat(predictor, observation), (SHOWN_PX, SHOWN_PX))
    shown = (0.6 * image + 0.4 * cv2.applyColorMap((255 * heat).astype(np.uint8), cv2.COLORMAP_TURBO)).astype(
        np.uint8
    )
    cv2.putText(shown, observation.instruction[:36], (3, 12), 0, 0.36, (255, 255, 255), 1, cv2.LINE_AA)
    return shown


def main() -> None:
    """Look at new scenes and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--world-model", type=Path, default=Path("models/world_model"))
    parser.add_argument("--n", type=int, default=150)
    parser.add_argument("--first", type=int, default=700_000)
    parser.add_argument("--out", type=Path, help="a picture of the first scenes' maps")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    predictor = TracePredictor.from_folder(arguments.world_model)
    environment, finder = Ur3Environment(), NamedFinder(predictor)
    rows: dict[str, list[dict[str, float | bool]]] = {"one": [], "several": []}
    pictures: list[np.ndarray] = []
    took_s: list[float] = []
    for seed in range(arguments.first, arguments.first + arguments.n):
        observation = environment.reset(seed)
        moment = looked_at(environment, observation)
        blind = replace(moment, observation=replace(observation, depth_m=None))
        started_s = time.perf_counter()
        right, away_m = error_m(environment, finder, moment)
        took_s.append(time.perf_counter() - started_s)
        blind_right, blind_m = error_m(environment, finder, blind)
        phrase, other = environment.target.phrase, absent_phrase(environment)
        absent = replace(observation, instruction=observation.instruction.replace(phrase, other))
        row = {"depth_right": right, "depth_m": away_m, "no_depth_right": blind_right, "no_depth_m": blind_m}
        kind = "one" if len(environment.layout.objects) == 1 else "several"
        rows[kind].append(row | {"absent": is_refused(predictor, absent)})
        if kind == "several" and len(pictures) < N_SHOWN:
            pictures.append(picture_of(predictor, observation))
    if arguments.out and len(pictures) == N_SHOWN:
        lines = [np.hstack(pictures[i : i + COLUMNS]) for i in range(0, N_SHOWN, COLUMNS)]
        cv2.imwrite(str(arguments.out), np.vstack(lines))
    summary = {kind: told(found) for kind, found in rows.items() if found}
    settings = {"world_model": str(arguments.world_model), "first": arguments.first}
    print(json.dumps(settings | summary | {"ms_median": round(1000 * float(np.median(took_s)), 1)}, indent=2))


if __name__ == "__main__":
    main()
