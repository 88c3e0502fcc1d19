"""What moves: a head beside all others, its loss, its calibration, and what it does to answers."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mu0.dataset.batch import TraceBatch
from mu0.errors import CheckpointError
from mu0.inference.batch import Ask, predict_batch
from mu0.model.checkpoint import load_checkpoint, save_checkpoint
from mu0.model.losses import moves_loss
from mu0.model.network import TraceNetwork
from mu0.model.predictor import TracePredictor
from mu0.model.presets import preset
from mu0.model.settling import settled
from mu0.model.world_model import TraceWorldModel
from mu0.records import Observation, Queries
from mu0.training.calibration import calibrate_moves

Build = Callable[..., TraceWorldModel]


@pytest.fixture
def mixed(batch: TraceBatch) -> TraceBatch:
    """The first two queries of every image rest."""
    moves = torch.ones(batch.query_valid.shape, dtype=torch.bool)
    moves[:, :2] = False
    return replace(batch, future=batch.future * moves[..., None, None], moves=moves)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_all_other_weights_start_as_without_the_head(build: Build) -> None:
    plain, knowing = build(shaken=False), build(preset("tiny", moves_head=True), shaken=False)
    known = knowing.state_dict()
    assert set(known) - set(plain.state_dict()) == {
        "moves_head.weight", "moves_head.bias", "moves_temperature",
    }  # fmt: skip
    for name, value in plain.state_dict().items():
        assert torch.equal(value, known[name]), name


def test_the_loss_gains_a_weighted_term_where_windows_say_what_moves(build: Build, mixed: TraceBatch) -> None:
    model = build(preset("tiny", moves_head=True, moves_weight=2.0))
    terms, without = model.loss(mixed, seeded(1)), model.loss(replace(mixed, moves=None), seeded(1))
    assert terms.moves is not None
    assert without.moves is None
    assert torch.allclose(terms.total, without.total + 2 * terms.moves)
    assert build().loss(mixed, seeded(1)).moves is None


def test_the_moves_loss_counts_queries_not_padding() -> None:
    logits = torch.tensor([[[0.0, 9.0, -9.0]]])
    moves = torch.tensor([[True, True, True]])
    counted = torch.tensor([[True, True, False]])
    assert moves_loss(logits, moves, counted).item() == pytest.approx(np.log(2) / 2, abs=1e-3)


def test_targets_of_resting_points_are_splines_of_zeros(build: Build, mixed: TraceBatch) -> None:
    points, fitted = build().fit(mixed.future, mixed.future_valid)
    assert mixed.moves is not None
    assert fitted.all()
    assert (points[~mixed.moves] == 0).all()
    assert (points[mixed.moves] != 0).any()


def observation() -> tuple[Observation, Queries]:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (48, 64, 3), dtype=np.uint8)
    return Observation(image, "open the drawer"), Queries(rng.uniform(-0.9, 0.9, (6, 3)).astype(np.float32))


def test_what_rests_stays_and_nothing_else_changes(build: Build) -> None:
    model = build(preset("tiny", moves_head=True))
    seen, queries = observation()
    free = TracePredictor(model, rests_below=0.0).predict(seen, queries, 3, 0)
    assert free.moves is not None
    border = float(np.median(free.moves))
    held = TracePredictor(model, rests_below=border).predict(seen, queries, 3, 0)
    rests = free.moves < border
    assert 0 < rests.sum() < 6
    np.testing.assert_array_equal(held.moves, free.moves)
    np.testing.assert_array_equal(held.uvz[:, ~rests], free.uvz[:, ~rests])
    stay = np.broadcast_to(queries.anchor_uvz[rests][:, None], held.uvz[0, rests].shape)
    np.testing.assert_array_equal(held.uvz[0, rests], stay)


def test_each_further_future_lets_more_keypoints_go() -> None:
    moves = torch.tensor([0.05, 0.15, 0.25, 0.35, 0.45, 0.55])
    stays = (settled(torch.ones(5, 6, 2, 3), moves, 0.5) == 0).all(-1).all(-1)
    assert stays.sum(1).tolist() == [5, 4, 3, 2, 1]
    assert (stays.int().diff(dim=0) <= 0).all()
    assert not settled(torch.ones(1, 6, 2, 3), moves, 0.0).eq(0).any()
    assert settled(torch.ones(1, 6, 2, 3), moves, 1.0).eq(0).all()


def test_one_by_one_and_in_a_batch_the_same_things_move(build: Build) -> None:
    predictor = TracePredictor(build(preset("tiny", moves_head=True)), rests_below=0.4)
    seen, queries = observation()
    few = Queries(queries.anchor_uvz[:2])
    alone = [predictor.predict(seen, one, 2, 0) for one in (queries, few)]
    together = predict_batch(predictor, [Ask(seen, queries), Ask(seen, few)], 2, 0)
    for one, other in zip(alone, together, strict=True):
        assert one.moves is not None
        assert other.moves is not None
        np.testing.assert_allclose(one.moves, other.moves, atol=1e-5)
        np.testing.assert_allclose(one.uvz, other.uvz, atol=1e-4)


def test_models_without_the_head_do_not_say(build: Build) -> None:
    predictor = TracePredictor(build())
    answer = predictor.predict(*observation(), 2, 0)
    assert answer.moves is None
    assert not predictor.knows_what_moves
    steps = torch.ones(2, 3, 4, 3)
    assert torch.equal(settled(steps, None, 1.0), steps)


def test_an_old_config_means_a_model_without_the_head(build: Build, tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "old", build(), {})
    fields = json.loads((tmp_path / "old/config.json").read_text())
    for name in ("moves_head", "moves_weight"):
        fields.pop(name)
    (tmp_path / "old/config.json").write_text(json.dumps(fields))
    assert load_checkpoint(tmp_path / "old").moves_head is None
    fields.pop("euler_steps")
    (tmp_path / "old/config.json").write_text(json.dumps(fields))
    with pytest.raises(CheckpointError, match=r"lacks \['euler_steps'\]"):
        load_checkpoint(tmp_path / "old")


def test_head_and_temperature_survive_the_disk(build: Build, tmp_path: Path) -> None:
    model = build(preset("tiny", moves_head=True))
    model.moves_temperature.fill_(3.0)
    save_checkpoint(tmp_path / "new", model, {})
    again = load_checkpoint(tmp_path / "new")
    first, second = (TracePredictor(one).predict(*observation(), 1, 0).moves for one in (model, again))
    np.testing.assert_array_equal(first, second)


def test_the_temperature_softens_what_is_too_sure_and_never_changes_an_order(
    build: Build, mixed: TraceBatch
) -> None:
    model = build(preset("tiny", moves_head=True))
    assert model.moves_head is not None
    with torch.no_grad():
        model.moves_head.weight.mul_(200.0)
    before = TracePredictor(model).predict(*observation(), 1, 0).moves
    measured = calibrate_moves(model, [mixed, mixed], seed=0)
    after = TracePredictor(model).predict(*observation(), 1, 0).moves
    assert before is not None
    assert after is not None
    assert measured["moves_temperature"] > 1.5
    assert measured["moves_share"] == pytest.approx(3 / 5)
    assert (np.abs(after - 0.5) <= np.abs(before - 0.5) + 1e-6).all()
    assert ((after > 0.5) == (before > 0.5)).all()
    assert calibrate_moves(build(), [mixed], seed=0) == {}


def test_p_moves_is_the_mean_over_draws_at_the_temperature(build: Build) -> None:
    model: TraceNetwork = build(preset("tiny", moves_head=True))
    model.moves_temperature.fill_(2.0)
    logits = torch.tensor([[[0.0, 4.0], [2.0, 4.0]]])
    found = model.moves_probability(logits)
    assert found is not None
    assert torch.allclose(found, torch.tensor([[0.5, 2.0]]).sigmoid())
