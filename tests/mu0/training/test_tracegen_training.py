"""Training TraceGen on a dataset on disk: scale, equal seeds, time as budget, warm-up on few episodes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mu0.baselines.tracegen.config import TraceGenConfig, preset
from mu0.baselines.tracegen.model import TraceGen
from mu0.dataset.windows import TraceWindows
from mu0.errors import DatasetError
from mu0.params.world_model import TrainParams
from mu0.training.rival import train_rival
from mu0.training.tracegen import (
    Demonstrations,
    WarmUp,
    build_tracegen,
    few_episodes,
    measured_scale,
    open_windows,
    tracegen_key,
    warm_up,
)
from tests.mu0.dataset.tiny_dataset import SHAPE, TinyDataset, make_tiny_dataset

CONFIG = preset("tiny", future_len=12, frames_in_channels=4)
TRAIN = TrainParams(steps=2, batch_size=3, n_queries=5, lr=1e-3, warmup_steps=0, validation_batches=2)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyDataset:
    return make_tiny_dataset(tmp_path_factory.mktemp("tracegen"))


@pytest.fixture(scope="module")
def windows(tiny: TinyDataset) -> dict[str, TraceWindows]:
    return open_windows(tiny.folder, tiny.episodes, tiny.captions, CONFIG, TRAIN, SHAPE)


def weights_of(model: TraceGen) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


def test_the_scale_is_the_root_mean_square_step(windows: dict[str, TraceWindows]) -> None:
    """The dataset's points move 0.1 to 0.3 px, |v| up to 0.2 px, and 1 to 10 mm per step."""
    u, v, z = measured_scale(windows["train"]).tolist()
    assert 2 * 0.1 / 32 < u < 2 * 0.3 / 32
    assert 0 < v < 2 * 0.2 / 24
    assert 0.001 < z < 0.01
    model = build_tracegen(CONFIG, windows["train"], seed=0)
    assert model.config.increment_scale == pytest.approx((u, v, z))


def test_published_sizes_keep_their_bounds(windows: dict[str, TraceWindows]) -> None:
    frozen = preset("tiny", future_len=12, frames_in_channels=4, freeze_encoders=True)
    assert build_tracegen(frozen, windows["train"], seed=0).config.increment_scale == (0.1, 0.1, 0.04)


def test_equal_seeds_train_equal_models(windows: dict[str, TraceWindows], tmp_path: Path) -> None:
    trained = []
    for name in ("one", "two"):
        model = build_tracegen(CONFIG, windows["train"], seed=3)
        start = weights_of(model)
        run = train_rival(model, windows, TRAIN, tmp_path / name)
        assert run.plan == {"steps": 2}
        assert set(run.validation) == {"loss", "flow"}
        assert not torch.equal(start, weights_of(model))
        trained.append(model)
    assert torch.equal(weights_of(trained[0]), weights_of(trained[1]))


def test_seconds_become_steps_and_stay_planned(windows: dict[str, TraceWindows], tmp_path: Path) -> None:
    model = build_tracegen(CONFIG, windows["train"], seed=0)
    run = train_rival(model, windows, TRAIN, tmp_path, train_s=0.2)
    assert run.plan["train_s"] == 0.2
    assert run.plan["steps"] == max(int(0.2 / run.plan["seconds_per_step"] + 1e-9), 1)
    again = train_rival(build_tracegen(CONFIG, windows["train"], 0), windows, TRAIN, tmp_path, train_s=0.2)
    assert again.plan == run.plan


def test_warm_up_sees_the_chosen_episodes_only(tiny: TinyDataset, windows: dict[str, TraceWindows]) -> None:
    model = build_tracegen(CONFIG, windows["train"], seed=0)
    few = few_episodes(tiny.folder, tiny.episodes, tiny.captions, windows["train"], Demonstrations(1))
    assert 0 < len(few) < len(windows["train"])
    assert few.statistics == model.statistics
    before = weights_of(model)
    how = WarmUp(steps=2, batch_size=2, n_queries=5)
    warm_up(model, few, seed=1, how=how)
    other = build_tracegen(CONFIG, windows["train"], seed=0)
    warm_up(other, few, seed=1, how=how)
    assert not torch.equal(before, weights_of(model))
    assert torch.equal(weights_of(model), weights_of(other))


def test_more_episodes_than_there_are_is_an_error(
    tiny: TinyDataset, windows: dict[str, TraceWindows]
) -> None:
    with pytest.raises(DatasetError, match="99 training episodes were asked for; hand has"):
        few_episodes(
            tiny.folder, tiny.episodes, tiny.captions, windows["train"], Demonstrations(99, source="hand")
        )


def test_a_training_goes_on_only_with_equal_params(tiny: TinyDataset) -> None:
    def key(config: TraceGenConfig = CONFIG, train: TrainParams = TRAIN, train_s: float | None = None) -> str:
        return tracegen_key(config, train, tiny.folder, train_s)

    changed = [
        key(),
        key(train_s=1.0),
        key(train=TRAIN.model_copy(update={"seed": 1})),
        key(config=preset("tiny")),
    ]
    assert len(set(changed)) == 4
    assert key() == key()
    assert np.all([len(one) == 16 for one in changed])
