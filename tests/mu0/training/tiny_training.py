"""A tiny world model and numbered random batches, the same in every process.

`python -m tests.mu0.training.tiny_training OUT SHARDING STEPS` trains as a member of a team.
"""

import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from mu0.dataset.batch import TraceBatch
from mu0.dataset.statistics import NormalizerStats
from mu0.dataset.windows import TraceWindows
from mu0.files import write_json
from mu0.model.presets import preset
from mu0.model.tokenizer import train_tokenizer
from mu0.model.world_model import TraceWorldModel
from mu0.params.world_model import TrainParams
from mu0.training.team import joined_team
from mu0.training.world_model import TrainingRun, train_world_model

CAPTIONS = ["pick the red apple into the sink", "open the drawer"]
TRAIN = TrainParams(steps=4, batch_size=3, lr=0.01, warmup_steps=0, checkpoint_every_s=1e9)


class NumberedBatches(TraceWindows):
    """Windows without episodes: a batch of random values for every number."""

    def __init__(self) -> None:
        """Nothing to load."""

    def batch(self, number: int, batch_size: int, n_queries: int, seed: int) -> TraceBatch:
        """The batch that belongs to (`seed`, `number`)."""
        generator = torch.Generator().manual_seed(1000 * seed + number)
        n_queries = min(n_queries, 5)
        shape = (batch_size, n_queries)
        return TraceBatch(
            image=torch.rand(batch_size, 3, 64, 64, generator=generator),
            instructions=[CAPTIONS[(number + place) % 2] for place in range(batch_size)],
            anchor_uvz=torch.rand(*shape, 3, generator=generator) * 2 - 1,
            history=torch.randn(*shape, 8, 3, generator=generator),
            history_valid=torch.ones(*shape, 8, dtype=torch.bool),
            future=torch.randn(*shape, 32, 3, generator=generator).cumsum(2) * 0.1,
            future_valid=torch.ones(*shape, 32, dtype=torch.bool),
            query_valid=torch.ones(*shape, dtype=torch.bool),
            cluster_ids=torch.arange(n_queries).expand(shape) % 2,
            depth_panel=torch.rand(batch_size, 3, 64, 64, generator=generator),
            depth_valid=torch.ones(batch_size, dtype=torch.bool),
            has_depth_axis=torch.ones(batch_size, dtype=torch.bool),
        )


def build_tiny(**options: Any) -> TraceWorldModel:
    """Shaken, so that zero-initialised layers let gradients through; `options` of the preset."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    statistics = NormalizerStats(0.9, 0.5, 0.1, 1, 8, 32, depth_log_min=-1.0, depth_log_max=1.0)
    config = preset("tiny", **({"depth_dropout": 0.5} | options))
    model = TraceWorldModel(config, train_tokenizer(CAPTIONS, 512, 24), statistics)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model


def train_tiny(folder: Path, **changes: object) -> TrainingRun:
    """Train a fresh tiny model; `changes` are fields of `TrainParams`."""
    train = TRAIN.model_copy(update=changes)
    return train_world_model(build_tiny(), {"train": NumberedBatches()}, train, folder)


def main() -> None:
    """Train as one process of a team; the first one writes weights and log."""
    out, sharding, steps = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    with joined_team(torch.device("cpu")) as team:
        run = train_tiny(out / "work", sharding=sharding, steps=steps)
        if team.is_first:
            save_file(dict(run.model.state_dict()), out / "weights.safetensors")
            write_json(out / "log.json", {"log": run.fitted.log})
        team.wait()


if __name__ == "__main__":
    main()
