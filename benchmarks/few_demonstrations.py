"""What a few demonstrations are worth, by what the action expert sees: the paper's question at our scale.

    python benchmarks/few_demonstrations.py --out /tmp/few --n 30 --variants grounded no_trace --seeds 0 1 2

Every cell trains an expert of its own on the first n demonstrations and rolls it out in the same unseen
scenes. Rows go to `rollouts.jsonl` in the folder, one per rollout; cells that are there already are not run
again, and several of these commands may fill one folder with different cells. `--table` only tells what is
there: success with an interval over scenes and training seeds, both resampled, and the rate of every seed;
`--figure` draws it.

Simulated: MuJoCo scenes, a scripted demonstrator.
"""

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import torch

from mu0.evaluation.policies.replicates import difference, success_of
from mu0.params.action_expert import ActionExpertParams
from mu0.policy.rollout import RolloutSetting, run_rollouts
from mu0.policy.train_action_expert import Paths, train_action_expert

ROWS = "rollouts.jsonl"
FRONT_PX = (128, 128)
NAMES = {
    "grounded": "told where μ0 finds the named thing",
    "mu0": "front picture through μ0, and its trace features",
    "no_trace": "front picture through μ0",
    "no_pretraining": "front picture through an untrained encoder",
}
COLOURS = {"grounded": "#7b2ff7", "mu0": "#2a9d8f", "no_trace": "#e07a1f", "no_pretraining": "#9aa0a6"}


def run_cell(arguments: argparse.Namespace, variant: str, n: int, seed: int) -> None:
    """Train, roll out, and append the rows at once."""
    params = ActionExpertParams(
        n_demonstrations=n, steps=arguments.steps, frame_stride=1, feature_threads=1, seed=seed
    )
    folder = arguments.out / f"{variant}_{n}_{seed}"
    paths = Paths(arguments.demonstrations, arguments.world_model, folder, arguments.out / "cache")
    fitted, _ = train_action_expert(paths, variant, params)
    with tempfile.TemporaryDirectory() as videos:
        setting = RolloutSetting(
            arguments.world_model,
            {variant: folder},
            Path(videos),
            execute_steps=8,
            horizon_steps=120,
            front_size_px=FRONT_PX,
            videos_per_outcome=0,
            others=(),
        )
        scenes = list(range(arguments.first, arguments.first + arguments.rollouts))
        rows = run_rollouts(setting, scenes, 1)
    about = {"n_demonstrations": n, "training_seed": seed, "training_s": round(fitted.seconds, 1)}
    with (arguments.out / ROWS).open("a") as stream:
        stream.write("".join(f"{json.dumps(asdict(row) | about)}\n" for row in rows))


def known_rows(folder: Path) -> pd.DataFrame:
    """What was rolled out so far."""
    path = folder / ROWS
    if not path.exists():
        return pd.DataFrame(columns=["actor", "n_demonstrations", "training_seed", "success"])
    return pd.read_json(path, lines=True)


def tell(rows: pd.DataFrame) -> None:
    """One line per variant and number of demonstrations, then the differences to `no_trace`."""
    for (n, actor), part in rows.groupby(["n_demonstrations", "actor"]):
        found = success_of(part)
        print(f"{n:4d} demonstrations  {actor:15s} {found}")
    for n, part in rows.groupby("n_demonstrations"):
        actors = part["actor"].unique()
        for first in ("grounded", "mu0"):
            for second in ("no_trace", "no_pretraining"):
                if {first, second} <= set(actors):
                    print(f"{n:4d} demonstrations  {first} - {second}: {difference(part, first, second)}")


def draw(rows: pd.DataFrame, path: Path) -> None:
    """Success against the number of demonstrations; small dots are single trainings."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6))
    axes = figure.subplots()
    for actor, part in rows.groupby("actor"):
        counts = sorted(part["n_demonstrations"].unique())
        found = [success_of(part[part["n_demonstrations"] == count]) for count in counts]
        rate = [100 * one.rate for one in found]
        ends = [[100 * (one.rate - one.low) for one in found], [100 * (one.high - one.rate) for one in found]]
        colour, label = COLOURS[str(actor)], NAMES[str(actor)]
        axes.errorbar(counts, rate, yerr=ends, color=colour, label=label, marker="o", capsize=3)
        for count, one in zip(counts, found, strict=True):
            single = [100 * each for each in one.of_seeds]
            axes.plot([count] * len(single), single, ".", color=colour, alpha=0.4)
    axes.set_xscale("log")
    axes.set_xticks(counts := sorted(rows["n_demonstrations"].unique()), [str(count) for count in counts])
    axes.minorticks_off()
    axes.set(xlabel="demonstrations", ylabel="scenes solved [%]", ylim=(-2, 102))
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=8)
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
    parser.add_argument("--rollouts", type=int, default=100)
    parser.add_argument("--first", type=int, default=70_000)
    parser.add_argument("--world-model", type=Path, default=Path("models/world_model"))
    parser.add_argument("--demonstrations", type=Path, default=Path("data/demonstrations"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    if not arguments.table:
        for n in arguments.n:
            for seed in arguments.seeds:
                for variant in arguments.variants:
                    rows = known_rows(arguments.out)
                    is_known = (
                        (rows["actor"] == variant)
                        & (rows["n_demonstrations"] == n)
                        & (rows["training_seed"] == seed)
                    )
                    if not is_known.any():
                        run_cell(arguments, variant, n, seed)
    tell(known_rows(arguments.out))
    if arguments.figure:
        draw(known_rows(arguments.out), arguments.figure)


if __name__ == "__main__":
    main()
