"""TraceGen: published sizes, a loss that sees known numbers only, one batch learned by heart, equal seeds."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from mu0.baselines.tracegen.checkpoint import load_tracegen, save_tracegen
from mu0.baselines.tracegen.config import EncoderConfig, preset
from mu0.baselines.tracegen.decoder import TraceDecoder
from mu0.baselines.tracegen.encoders import N_REGISTERS, DinoEncoder, SiglipEncoder, T5Text
from mu0.baselines.tracegen.grid import cell_centres, cell_of
from mu0.baselines.tracegen.increments import trace_of
from mu0.baselines.tracegen.model import TraceGen
from mu0.baselines.tracegen.predictor import TraceGenPredictor
from mu0.dataset.batch import TraceBatch
from mu0.dataset.statistics import NormalizerStats
from mu0.errors import CheckpointError, PredictionError, WeightsError
from mu0.model.tokenizer import train_tokenizer
from mu0.records import Observation, Queries

TEXT = "put the red apple into the sink"
STATISTICS = NormalizerStats(1.0, 0.5, 0.1, 1, 8, 32, depth_log_min=-0.5, depth_log_max=0.6)
PUBLISHED = {"official_train": 26_689_560, "official_eval": 72_971_288, "official_larger": 229_482_520}


def model_of(seed: int = 0, **changes: object) -> TraceGen:
    config = preset("tiny", **changes)
    torch.manual_seed(seed)
    tokenizer = train_tokenizer([TEXT], config.vocabulary_size, config.max_text_tokens)
    return TraceGen(config, tokenizer, STATISTICS).eval()


def batch_of(n_images: int = 2, n_queries: int = 6, size_px: int = 64) -> TraceBatch:
    """Keypoints in different cells that go straight ahead, each in its own direction; the last is padding."""
    generator = torch.Generator().manual_seed(5)
    centres = cell_centres(20)
    places = torch.stack(
        [centres[torch.randperm(400, generator=generator)[:n_queries]] for _ in range(n_images)]
    )
    anchor = torch.cat([places, torch.ones(n_images, n_queries, 1)], dim=-1)
    speed = torch.randn(n_images, n_queries, 1, 3, generator=generator) * 0.1
    query_valid = torch.arange(n_queries).expand(n_images, -1) < n_queries - 1
    valid = query_valid[..., None] & (torch.arange(32) < 24)
    future = torch.where(valid[..., None], speed * torch.arange(1, 33)[:, None], 0.0)
    return TraceBatch(
        image=torch.rand(n_images, 3, size_px, size_px, generator=generator),
        instructions=[TEXT] * n_images,
        anchor_uvz=anchor,
        history=torch.zeros(n_images, n_queries, 8, 3),
        history_valid=torch.zeros(n_images, n_queries, 8, dtype=torch.bool),
        future=future,
        future_valid=valid,
        query_valid=query_valid,
        cluster_ids=torch.zeros(n_images, n_queries, dtype=torch.long),
        depth_panel=torch.rand(n_images, 3, size_px, size_px, generator=generator),
        depth_valid=torch.tensor([True] * (n_images - 1) + [False]),
        has_depth_axis=torch.tensor([True] * (n_images - 1) + [False]),
    )


def loss_of(model: TraceGen, batch: TraceBatch) -> Tensor:
    return model.loss(batch, torch.Generator().manual_seed(0))["loss"]


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_decoders_have_the_published_sizes(name: str) -> None:
    with torch.device("meta"):
        decoder = TraceDecoder(preset(name))  # type: ignore[arg-type]
    assert sum(weight.numel() for weight in decoder.parameters()) == PUBLISHED[name]
    assert preset(name).n_frames * preset(name).n_patches == 1600  # type: ignore[arg-type]


def test_the_small_rival_is_as_large_as_mu0_small() -> None:
    config = preset("small")
    tokenizer = train_tokenizer([TEXT], config.vocabulary_size, config.max_text_tokens)
    with torch.device("meta"):
        model = TraceGen(config, tokenizer, STATISTICS)
    assert sum(weight.numel() for weight in model.parameters()) == pytest.approx(2_431_166, rel=0.1)


@pytest.mark.parametrize("empty_cells", ["absent", "nearest"])
def test_what_is_masked_does_not_move_the_loss(empty_cells: str) -> None:
    model, batch = model_of(empty_cells=empty_cells), batch_of()
    before = loss_of(model, batch)
    future = batch.future.clone()
    future[~batch.future_valid] = 7.0
    future[-1, ..., 2] = 9.0  # an image without depth axis
    anchor = batch.anchor_uvz.clone()
    anchor[:, -1] = 0.123  # padding
    changed = dataclasses.replace(batch, future=future, anchor_uvz=anchor)
    torch.testing.assert_close(loss_of(model, changed), before, rtol=0, atol=0)


def test_what_is_known_does_move_the_loss() -> None:
    model, batch = model_of(), batch_of()
    for step, axis in ((0, 0), (23, 1), (11, 2)):
        future = batch.future.clone()
        future[0, 0, step, axis] += 0.5
        assert loss_of(model, dataclasses.replace(batch, future=future)) != loss_of(model, batch)


def test_only_the_keypoint_nearest_to_a_grid_point_counts() -> None:
    model, batch = model_of(), batch_of()
    anchor = batch.anchor_uvz.clone()
    anchor[:, 1] = anchor[:, 0] + torch.tensor([0.02, 0.0, 0.0])  # same cell as keypoint 0, farther off
    batch = dataclasses.replace(batch, anchor_uvz=anchor)
    future = batch.future.clone()
    future[:, 1] += 1.0
    changed = dataclasses.replace(batch, future=future)
    torch.testing.assert_close(loss_of(model, changed), loss_of(model, batch), rtol=0, atol=0)


def test_text_and_depth_behind_their_masks_do_not_matter() -> None:
    model, batch = model_of(), batch_of()
    panel = batch.depth_panel.clone()  # type: ignore[union-attr]
    panel[-1] = 0.5
    changed = dataclasses.replace(batch, depth_panel=panel)
    torch.testing.assert_close(loss_of(model, changed), loss_of(model, batch), rtol=0, atol=0)
    short = model.encode(batch.image, [TEXT, "put"])
    alone = model.encode(batch.image[1:], ["put"])
    seen = short.mask[1]
    torch.testing.assert_close(short.tokens[1][seen], alone.tokens[0][alone.mask[0]], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_one_batch_is_learned_by_heart_and_sampled() -> None:
    model, batch = model_of(increment_scale=(0.1, 0.05, 0.01), heads=4).train(), batch_of()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for step in range(250):
        optimizer.zero_grad()
        model.loss(batch, torch.Generator().manual_seed(step))["loss"].backward()
        optimizer.step()
    model.eval()
    assert loss_of(model, batch) < 0.6
    condition = model.encode(batch.image, batch.instructions, batch.depth_panel, batch.depth_valid)
    cells = cell_of(batch.anchor_uvz[..., :2], 20)
    noise = torch.randn(2, 1, 400, 32, 3, generator=torch.Generator().manual_seed(1))
    increments = model.sample(condition, model.grid_target(batch).occupied, noise)[:, 0]
    traces = trace_of(torch.stack([increments[image][cells[image]] for image in range(2)]))
    truth = batch.future * torch.from_numpy(STATISTICS.delta_scale)
    distance = (traces - truth)[..., :2].norm(dim=-1)[batch.future_valid].mean()
    assert distance < 0.35 * truth[..., :2].norm(dim=-1)[batch.future_valid].mean()


def question(n_queries: int = 5) -> tuple[Observation, Queries]:
    rng = np.random.default_rng(1)
    anchors = np.column_stack([rng.uniform(-1, 1, (n_queries, 2)), rng.uniform(0.5, 1, n_queries)])
    image = rng.integers(0, 256, (48, 96, 3), dtype=np.uint8)
    depth_m = rng.uniform(0.5, 1.5, (48, 96)).astype(np.float32)
    return Observation(image, TEXT, depth_m), Queries(anchors)


@pytest.mark.parametrize("empty_cells", ["absent", "nearest"])
def test_predictions_keep_the_contract(empty_cells: str) -> None:
    predictor = TraceGenPredictor(model_of(empty_cells=empty_cells), n_steps=3)
    seen, queries = question()
    answer = predictor.predict(seen, queries, n_samples=2, seed=3)
    assert answer.uvz.shape == (2, 5, 32, 3)
    assert answer.valid_probability.shape == (2, 5, 32)
    again = predictor.predict(seen, queries, n_samples=2, seed=3)
    np.testing.assert_array_equal(answer.uvz, again.uvz)
    other = predictor.predict(seen, queries, n_samples=2, seed=4)
    assert np.abs(answer.uvz - other.uvz).max() > 1e-3
    assert np.abs(answer.uvz[0] - answer.uvz[1]).max() > 1e-3


def test_keypoints_of_one_cell_move_alike_from_their_own_places() -> None:
    seen, _ = question()
    anchors = np.array([[0.0, 0.0, 1.0], [0.01, 0.01, 2.0]])
    uvz = TraceGenPredictor(model_of(), n_steps=2).predict(seen, Queries(anchors), 1, 0).uvz[0]
    np.testing.assert_allclose(uvz[0] - anchors[0], uvz[1] - anchors[1], atol=1e-5)


def test_unusable_questions_are_refused() -> None:
    predictor, (seen, queries) = TraceGenPredictor(model_of()), question()
    with pytest.raises(PredictionError, match="0 keypoints"):
        predictor.predict(seen, Queries(np.zeros((0, 3))), 1, 0)
    queries.anchor_uvz[2, 2] = np.nan
    with pytest.raises(PredictionError, match="The anchor of keypoint 2"):
        predictor.predict(seen, queries, 1, 0)


def test_a_checkpoint_gives_the_same_answers(tmp_path: Path) -> None:
    model, (seen, queries) = model_of(increment_scale=(0.2, 0.1, 0.05)), question()
    save_tracegen(tmp_path / "tracegen", model, {"steps": 0})
    loaded = TraceGenPredictor.from_folder(tmp_path / "tracegen", n_steps=2)
    assert loaded.model.config == model.config
    direct = TraceGenPredictor(model, n_steps=2).predict(seen, queries, 2, 0)
    np.testing.assert_array_equal(loaded.predict(seen, queries, 2, 0).uvz, direct.uvz)


def test_a_checkpoint_of_another_shape_is_refused_with_its_names(tmp_path: Path) -> None:
    save_tracegen(tmp_path / "one", model_of(), {})
    save_tracegen(tmp_path / "two", model_of(layers=1), {})
    (tmp_path / "one" / "config.json").write_bytes((tmp_path / "two" / "config.json").read_bytes())
    with pytest.raises(CheckpointError, match=r"unexpected: decoder\.blocks\.1\."):
        load_tracegen(tmp_path / "one")
    (tmp_path / "two" / "tokenizer.json").unlink()
    with pytest.raises(CheckpointError, match=r"lacks tokenizer\.json"):
        load_tracegen(tmp_path / "two")


def test_the_config_of_another_method_is_refused(tmp_path: Path) -> None:
    save_tracegen(tmp_path / "one", model_of(), {})
    path = tmp_path / "one" / "config.json"
    path.write_text(path.read_text().replace('"tracegen"', '"mu0"'))
    with pytest.raises(CheckpointError, match="is the config of 'mu0'"):
        load_tracegen(tmp_path / "one")


def test_learned_encoders_are_built_offline_and_filled_from_folders(tmp_path: Path) -> None:
    sizes = {"width": 32, "layers": 1, "heads": 2, "mlp_width": 32}
    model = model_of(
        geometry=EncoderConfig("dinov3", **sizes),
        semantics=EncoderConfig("siglip", **sizes),
        depth=EncoderConfig("siglip", **sizes),
        text=EncoderConfig("t5", **sizes),
        freeze_encoders=True,
    )
    encoders = model.condition.encoders()
    assert not any(weight.requires_grad for one in encoders.values() for weight in one.parameters())
    assert [type(one) for one in encoders.values()] == [DinoEncoder, SiglipEncoder, SiglipEncoder, T5Text]
    assert encoders["geometry"].get_submodule("model").config.num_register_tokens == N_REGISTERS
    batch = batch_of()
    condition = model.encode(batch.image, batch.instructions, batch.depth_panel, batch.depth_valid)
    assert condition.tokens.shape[1] - model.tokenizer([TEXT])[0].shape[1] == 16
    other = SiglipEncoder(model.config.semantics, model.config)
    other.model.save_pretrained(tmp_path / "siglip")
    model.condition.load_pretrained({"semantics": tmp_path / "siglip"})
    for name, value in other.model.state_dict().items():
        torch.testing.assert_close(model.condition.semantics.get_submodule("model").state_dict()[name], value)
    with pytest.raises(WeightsError, match="'words' cannot be filled"):
        model.condition.load_pretrained({"words": tmp_path})
    save_tracegen(tmp_path / "learned", model, {})
    assert load_tracegen(tmp_path / "learned").config == model.config
