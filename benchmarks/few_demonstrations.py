"""What a few demonstrations are worth, by what the action expert sees: the paper's question at our scale.

    python benchmarks/few_demonstrations.py --out /tmp/few --n 30 --variants grounded no_trace --seeds 0 1 2

Every cell trains an expert of its own on the first n demonstrations, as many steps as every other one or,
with `--seconds`, as many as fit into that time, and rolls it out in the same unseen scenes; `trace_policy`
needs no demonstration and is the cell of none (`--n 0`). Rows go to `rollouts.jsonl` in the folder, one per
rollout; cells that are there already are not run again, and several of these commands may fill one folder
with different cells. `--table` only tells what is there: success with an interval over scenes and training
seeds, both resampled, and the rate of every seed; `--figure` draws it.

Simulated: MuJoCo scenes, a scripted demonstrator.
"""

import argparse
import json
import tempfile
from dataclasses import asdict
from itertools import product
from pathlib import Path

import pandas as pd
import torch

from mu0.evaluation.policies.replicates import difference, success_of
from mu0.params.action_expert import ActionExpertParams
from mu0.policy.arms import demonstrated_arm
from mu0.policy.expert_estimate import estimate_expert
from mu0.policy.rollout_jobs import RolloutSetting, horizon_of, run_rollouts
from mu0.policy.train_action_expert import Paths, train_action_expert
from mu0.sources.lerobot.dataset_v3 import LeRobotDataset
from mu0.training.budget import steps_for

ROWS = "rollouts.jsonl"
NAMES = {
    "trace_policy": "controller without learning, on μ0's traces",
    "grounded": "told where μ0 finds the named thing, and how it lies",
    "grounded_front": "told where, and front picture through μ0 with its trace features",
    "mu0": "front picture through μ0, and its trace features",
    "no_trace": "front picture through μ0",
    "no_pretraining": "front picture through an untrained encoder",
    "end_to_end": "front picture through an encoder of its own",
    "diffusion_policy": "diffusion policy on both pictures",
    "pi0": "π0 on both pictures, from random weights",
}
COLOURS = {
    "trace_policy": "#1f5fd0",
    "grounded": "#7b2ff7",
    "grounded_front": "#d62ff7",
    "mu0": "#2a9d8f",
    "no_trace": "#e07a1f",
    "no_pretraining": "#9aa0a6",
    "end_to_end": "#b8336a",
    "diffusion_policy": "#3a7d44",
    "pi0": "#8d6e63",
}


def trained(
    arguments: argparse.Namespace, variant: str, n: int, seed: int
) -> tuple[dict[str, Path], dict[str, object]]:
    """The expert's folder by its variant, and what its training was; nothing for who needs none."""
    if n == 0:
        return {}, {}
    params = ActionExpertParams(
        n_demonstrations=n,
        steps=arguments.steps,
        size=arguments.size,
        frame_stride=1,
        feature_threads=1,
        seed=seed,
    )
    if arguments.seconds:
        step_s = estimate_expert(variant, params).step_s
        params = params.model_copy(update={"steps": steps_for(arguments.seconds, step_s)})
    folder = arguments.out / f"{variant}_{arguments.size}_{n}_{seed}"
    paths = Paths(arguments.demonstrations, arguments.world_model, folder, arguments.out / "cache")
    fitted, meta = train_action_expert(paths, variant, params)
    about = {"training_s": round(fitted.seconds, 1), "steps": params.steps}
    return {variant: folder}, about | {"n_parameters": meta["n_parameters"]}


def run_cell(arguments: argparse.Namespace, variant: str, n: int, seed: int) -> None:
    """Train, roll out, and append the rows at once."""
    experts, training = trained(arguments, variant, n, seed)
    with tempfile.TemporaryDirectory() as journal:
        dataset = LeRobotDataset.open(arguments.demonstrations)
        task = demonstrated_arm(dataset).task
        setting = RolloutSetting(
            arguments.world_model,
            experts,
            Path(journal),
            execute_steps=8,
            horizon_steps=horizon_of(task),
            front_size_px=dataset.load_episode(0).front.shape[1:3],
            task=task,
            videos_per_outcome=0,
            others=() if experts else ("trace_policy",),
        )
        scenes = list(range(arguments.first, arguments.first + arguments.rollouts))
        rows = run_rollouts(setting, {"in_distribution": scenes}, 1)
    about = {"n_demonstrations": n, "training_seed": seed, "size": arguments.size} | training
    with (arguments.out / ROWS).open("a") as stream:
        stream.write("".join(f"{json.dumps(asdict(row) | about)}\n" for row in rows))


def known_rows(folder: Path) -> pd.DataFrame:
    """What was rolled out so far."""
    path = folder / ROWS
    if not path.exists():
        return pd.DataFrame(columns=["actor", "n_demonstrations", "training_seed", "success"])
    return pd.read_json(path, lines=True)


def is_known(rows: pd.DataFrame, variant: str, n: int, seed: int) -> bool:
    """Whether a cell was rolled out."""
    of_cell = (rows["actor"] == variant) & (rows["n_demonstrations"] == n) & (rows["training_seed"] == seed)
    return bool(of_cell.any())


def tell(rows: pd.DataFrame) -> None:
    """One line per variant and number of demonstrations, then the differences to `no_trace`."""
    for (n, actor), part in rows.groupby(["n_demonstrations", "actor"]):
        found = success_of(part)
        print(f"{n:4d} demonstrations  {actor:15s} {found}")
    for n, part in rows.groupby("n_demonstrations"):
        actors = part["actor"].unique()
        for first in ("grounded", "grounded_front", "mu0"):
            for second in ("no_trace", "no_pretraining", "end_to_end", "diffusion_policy", "pi0"):
                if {first, second} <= set(actors):
                    print(f"{n:4d} demonstrations  {first} - {second}: {difference(part, first, second)}")


def draw(rows: pd.DataFrame, path: Path) -> None:
    """Success against the number of demonstrations; small dots are single trainings."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 3.4))
    axes = figure.subplots()
    every = sorted(rows["n_demonstrations"].unique())
    for actor in (name for name in NAMES if name in set(rows["actor"])):
        part = rows[rows["actor"] == actor]
        counts = sorted(part["n_demonstrations"].unique())
        x = [every.index(count) for count in counts]
        found = [success_of(part[part["n_demonstrations"] == count]) for count in counts]
        rate = [100 * one.rate for one in found]
        ends = [[100 * (one.rate - one.low) for one in found], [100 * (one.high - one.rate) for one in found]]
        colour, label = COLOURS[actor], NAMES[actor]
        axes.errorbar(x, rate, yerr=ends, color=colour, label=label, marker="o", ms=5, capsize=3)
        for place, one in zip(x, found, strict=True):
            single = [100 * each for each in one.of_seeds]
            axes.plot([place] * len(single), single, ".", color=colour, alpha=0.4)
    axes.set_xticks(range(len(every)), [str(count) for count in every])
    axes.set(xlabel="demonstrations", ylabel="scenes solved [%]", ylim=(-2, 102))
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1))
    figure.savefig(path, dpi=130, bbox_inches="tight", metadata={"Software": None})


def main() -> None:
    """Fill the folder, or tell what is in it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--n", type=int, nargs="+", default=[30])
    parser.add_argument("--variants", nargs="+", default=["grounded", "no_trace", "no_pretraining"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--seconds", type=float, help="of every training, in the place of --steps")
    parser.add_argument("--size", choices=["small", "base"], default="small", help="one per folder")
    parser.add_argument("--rollouts", type=int, default=100)
    parser.add_argument("--first", type=int, default=70_000)
    parser.add_argument("--world-model", type=Path, default=Path("models/world_model"))
    parser.add_argument("--demonstrations", type=Path, default=Path("data/demonstrations"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    known = known_rows(arguments.out)
    if others := set(known["size"].dropna() if "size" in known else ()) - {arguments.size}:
        parser.error(f"{arguments.out} holds experts of size {', '.join(others)}; give --out another folder.")
    if not arguments.table:
        for n, seed, variant in product(arguments.n, arguments.seeds, arguments.variants):
            is_needless = (n == 0) != (variant == "trace_policy")
            if not is_needless and not is_known(known_rows(arguments.out), variant, n, seed):
                run_cell(arguments, variant, n, seed)
    tell(known_rows(arguments.out))
    if arguments.figure:
        draw(known_rows(arguments.out), arguments.figure)


if __name__ == "__main__":
    main()
