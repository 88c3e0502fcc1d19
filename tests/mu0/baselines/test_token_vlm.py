"""The tokenised VLM: words and back, causality, cached decoding, learning, seeds, strict checkpoints."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mu0.baselines.token_vlm.checkpoint import load_token_vlm, save_token_vlm
from mu0.baselines.token_vlm.config import preset
from mu0.baselines.token_vlm.decoder import attend_shared, empty_cache, run_layers
from mu0.baselines.token_vlm.model import TokenVlm
from mu0.baselines.token_vlm.predictor import TokenVlmPredictor
from mu0.baselines.token_vlm.waypoints import (
    UNKNOWN,
    blurred_labels,
    dequantise,
    interpolate_probability,
    interpolate_waypoints,
    points_of,
    quantise,
    waypoint_words,
    words_of,
)
from mu0.dataset.batch import TraceBatch
from mu0.dataset.statistics import NormalizerStats
from mu0.errors import CheckpointError, PredictionError
from mu0.model.presets import preset as world_model_preset
from mu0.model.tokenizer import CaptionTokenizer, train_tokenizer
from mu0.model.world_model import TraceWorldModel
from mu0.records import Observation, Queries

CAPTIONS = ["pick the red apple into the sink", "open the drawer"]
STATISTICS = NormalizerStats(0.9, 0.5, 0.1, 1, 8, 32, depth_log_min=-1.0, depth_log_max=1.0)
N_IMAGES, N_QUERIES = 3, 5


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def tokenizer() -> CaptionTokenizer:
    return train_tokenizer(CAPTIONS, 512, 24)


def _model(tokenizer: CaptionTokenizer, *, shaken: bool = True, **changes: object) -> TokenVlm:
    torch.manual_seed(0)
    model = TokenVlm(preset("tiny", **{"n_waypoints": 8} | changes), tokenizer, STATISTICS)
    if shaken:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.05)
    return model.eval()


@pytest.fixture
def model(tokenizer: CaptionTokenizer) -> TokenVlm:
    return _model(tokenizer)


@pytest.fixture
def batch() -> TraceBatch:
    generator = torch.Generator().manual_seed(0)
    shape = (N_IMAGES, N_QUERIES)
    return TraceBatch(
        image=torch.rand(N_IMAGES, 3, 64, 64, generator=generator),
        instructions=[*CAPTIONS, ""],
        anchor_uvz=torch.rand(*shape, 3, generator=generator) * 2 - 1,
        history=torch.zeros(*shape, 8, 3),
        history_valid=torch.zeros(*shape, 8, dtype=torch.bool),
        future=torch.randn(*shape, 32, 3, generator=generator).cumsum(2) * 0.1,
        future_valid=torch.ones(*shape, 32, dtype=torch.bool),
        query_valid=torch.ones(shape, dtype=torch.bool),
        cluster_ids=torch.zeros(shape, dtype=torch.long),
    )


def _loss(model: TokenVlm, batch: TraceBatch) -> float:
    return model.loss(batch, torch.Generator().manual_seed(0))["loss"].item()


def _words(model: TokenVlm, batch: TraceBatch) -> torch.Tensor:
    axis_known = torch.ones(len(batch.image), 3, dtype=torch.bool)
    return waypoint_words(batch.future, batch.future_valid, axis_known, model.config)[0]


@pytest.mark.parametrize("n_bins", [2, 64, 255, 256])
def test_a_displacement_comes_back_within_half_a_bin(n_bins: int) -> None:
    scaled = torch.linspace(-1.5, 1.5, 1001)
    again = dequantise(quantise(scaled, n_bins, 1.5), n_bins, 1.5)
    assert (again - scaled).abs().max() <= 1.5 / n_bins + 1e-6


def test_words_survive_the_round_trip_and_far_displacements_are_clipped() -> None:
    bins = torch.arange(256)
    assert torch.equal(quantise(dequantise(bins, 256, 2.0), 256, 2.0), bins)
    assert quantise(torch.tensor([-9.0, 9.0]), 256, 2.0).tolist() == [0, 255]


@pytest.mark.parametrize("words", ["absolute", "increments"])
def test_waypoints_come_back_within_half_a_bin_however_many(words: str) -> None:
    config = preset("tiny", words=words, n_bins=64, limit=1.0, n_waypoints=32)
    points = torch.randn(7, 32, 3).mul(0.1).cumsum(1).clamp(-1, 1)
    error = points_of(words_of(points, config), config) - points
    assert error.abs().max() <= 1.0 / 64 + 1e-6


def test_a_clipped_increment_is_caught_up_by_the_next() -> None:
    config = preset("tiny", words="increments", limit=1.0, n_waypoints=4)
    points = torch.tensor([[1.8, 1.8, 1.8, 1.8]])[..., None].expand(-1, -1, 3)
    again = points_of(words_of(points, config), config)
    assert ((again - points)[0, 1:].abs() <= 1 / 256 + 1e-6).all()


def test_lines_pass_through_the_waypoints_and_start_at_the_anchor() -> None:
    points = torch.randn(4, 8, 3)
    trace = interpolate_waypoints(points, 32)
    torch.testing.assert_close(trace[:, 3::4], points)
    torch.testing.assert_close(trace[:, 0], points[:, 0] / 4)
    torch.testing.assert_close(trace[:, 5], (points[:, 0] + points[:, 1]) / 2)
    straight = torch.arange(1, 33.0)[:, None].expand(-1, 3)
    torch.testing.assert_close(interpolate_waypoints(straight[3::4], 32), straight)


def test_probabilities_start_at_one() -> None:
    probability = interpolate_probability(torch.tensor([0.5, 0.25]), 8)
    torch.testing.assert_close(probability[[0, 1, 3, 7]], torch.tensor([0.875, 0.75, 0.5, 0.25]))


def test_blurred_labels_sum_to_one_and_peak_at_their_bin() -> None:
    labels = blurred_labels(32, 1.5)
    torch.testing.assert_close(labels.sum(1), torch.ones(32))
    assert torch.equal(labels.argmax(1), torch.arange(32))
    assert torch.equal(blurred_labels(8, 0.0), torch.eye(8))


def test_what_comes_after_a_gap_or_has_no_depth_is_unknown(batch: TraceBatch, model: TokenVlm) -> None:
    valid = batch.future_valid.clone()
    valid[0, 0, 11] = False  # the third waypoint; the later ones are valid again
    axis_known = torch.ones(N_IMAGES, 3, dtype=torch.bool)
    axis_known[1, 2] = False
    words, reached = waypoint_words(batch.future, valid, axis_known, model.config)
    assert reached[0, 0].tolist() == [True, True] + [False] * 6
    assert (words[0, 0, 2:] == UNKNOWN).all()
    assert (words[1, ..., 2] == UNKNOWN).all()
    assert (words[1, ..., :2] >= 0).all()


def test_shared_attention_equals_torch_with_copied_keys() -> None:
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    query, own = draw(2, 3, 4, 5, 8), (draw(2, 3, 2, 6, 8), draw(2, 3, 2, 6, 8))
    prefix = (draw(2, 2, 7, 8), draw(2, 2, 7, 8))
    prefix_mask = torch.arange(7) < torch.tensor([[7], [4]])
    own_mask = torch.ones(5, 6, dtype=torch.bool).tril(1)
    mixed = attend_shared(query, prefix, prefix_mask, own, own_mask)
    keys, values = (
        torch.cat([a[:, None].expand(-1, 3, -1, -1, -1), b], dim=3).repeat_interleave(2, dim=2)
        for a, b in zip(prefix, own, strict=True)
    )
    mask = torch.cat([prefix_mask[:, None].expand(-1, 5, -1), own_mask.expand(2, -1, -1)], dim=-1)
    expected = torch.nn.functional.scaled_dot_product_attention(
        query, keys, values, attn_mask=mask[:, None, None]
    )
    torch.testing.assert_close(mixed, expected)


@torch.no_grad()
def test_a_later_word_changes_no_earlier_score(model: TokenVlm, batch: TraceBatch) -> None:
    prefix, uv = model.encode_prefix(batch.image, batch.instructions), batch.anchor_uvz[..., :2]
    words = _words(model, batch)
    other = words.clone()
    other[:, :, 4, 1] = (other[:, :, 4, 1] + 100) % 256
    (scores, end), (other_scores, other_end) = (model.logits(prefix, uv, w) for w in (words, other))
    moved = (scores - other_scores).abs().amax(dim=(0, 1, 4)).flatten()
    assert (moved[: 4 * 3 + 2] == 0).all()
    assert (moved[4 * 3 + 2 :] > 0).all()
    assert torch.equal(end[..., :5], other_end[..., :5])


@torch.no_grad()
def test_traces_do_not_see_each_other_nor_the_padding_of_texts(model: TokenVlm, batch: TraceBatch) -> None:
    uv, words = batch.anchor_uvz[..., :2], _words(model, batch)
    together, _ = model.logits(model.encode_prefix(batch.image, batch.instructions), uv, words)
    alone, _ = model.logits(
        model.encode_prefix(batch.image[2:], batch.instructions[2:]), uv[2:, 1:2], words[2:, 1:2]
    )
    torch.testing.assert_close(alone[0, 0], together[2, 1], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_decoding_word_by_word_equals_the_full_pass(model: TokenVlm, batch: TraceBatch) -> None:
    prefix = model.encode_prefix(batch.image, batch.instructions)
    tokens = torch.randn(N_IMAGES, N_QUERIES, 24, model.config.backbone.text_width)
    full = run_layers(model.backbone, tokens, prefix)
    cache = empty_cache(prefix, N_QUERIES, 24)
    steps = [run_layers(model.backbone, tokens[:, :, n : n + 1], prefix, cache, n) for n in range(24)]
    torch.testing.assert_close(torch.cat(steps, dim=2), full, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_samples_are_what_teacher_forcing_scores(model: TokenVlm, batch: TraceBatch) -> None:
    """Drawing at the middle of a word's share of the scores that teacher forcing gives draws that word."""
    prefix, uv = model.encode_prefix(batch.image, batch.instructions), batch.anchor_uvz[..., :2]
    words = _words(model, batch)
    share = model.logits(prefix, uv, words)[0].double().softmax(-1)
    middle = (share.cumsum(-1) - share / 2).gather(-1, words[..., None])[..., 0]
    points, reached = model.sample(prefix, uv, middle.flatten(2).float(), temperature=1.0)
    assert torch.equal(quantise(points, 256, 2.0), words)
    assert ((reached > 0) & (reached <= 1)).all()
    assert (reached.diff(dim=-1) <= 0).all()


def test_it_learns_one_batch_by_heart(tokenizer: CaptionTokenizer, batch: TraceBatch) -> None:
    model = _model(tokenizer, shaken=False, n_bins=32, blur_bins=0.0, n_waypoints=4).train()
    valid = batch.future_valid.clone()
    valid[0, :, 20:] = False
    batch = dataclasses.replace(batch, future_valid=valid)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        model.loss(batch, torch.Generator().manual_seed(0))["loss"].backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    model.eval()
    with torch.no_grad():
        assert _loss(model, batch) < 0.3
        prefix = model.encode_prefix(batch.image, batch.instructions)
        draws = torch.full((N_IMAGES, N_QUERIES, 12), 0.5)
        points, reached = model.sample(prefix, batch.anchor_uvz[..., :2], draws, temperature=0.1)
    error = (points[1:] - batch.future[1:, :, 7::8]).abs()
    assert error.median() <= 2.0 / 32 + 1e-6
    assert (reached[0, :, 2:] < 0.5).all()
    assert (reached[1:] > 0.5).all()


def test_masked_and_padded_futures_do_not_reach_the_loss(model: TokenVlm, batch: TraceBatch) -> None:
    valid = batch.future_valid.clone()
    valid[0, 0, 9:] = False
    query_valid = batch.query_valid.clone()
    query_valid[1, 4] = False
    masked = dataclasses.replace(batch, future_valid=valid, query_valid=query_valid)
    future = batch.future.clone()
    future[0, 0, 9:] = 1.7
    future[1, 4] = -1.0
    assert _loss(model, dataclasses.replace(masked, future=future)) == _loss(model, masked)
    assert _loss(model, masked) != _loss(model, batch)


def test_images_without_depth_supervise_only_uv(model: TokenVlm, batch: TraceBatch) -> None:
    flat = dataclasses.replace(batch, has_depth_axis=torch.tensor([True, False, False]))
    future = batch.future.clone()
    future[1:, ..., 2] = 1.0
    assert _loss(model, dataclasses.replace(flat, future=future)) == _loss(model, flat)


def test_gradients_reach_every_weight(model: TokenVlm, batch: TraceBatch) -> None:
    panel = torch.rand(N_IMAGES, 3, 64, 64)
    valid = torch.ones(N_IMAGES, dtype=torch.bool)
    unknown = batch.future_valid.clone()
    unknown[0, 0, 8:] = False  # so that the word for the unknown is used
    shown = dataclasses.replace(batch, depth_panel=panel, depth_valid=valid, future_valid=unknown)
    model.loss(shown, torch.Generator().manual_seed(0))["loss"].backward()  # type: ignore[no-untyped-call]
    without = [
        name
        for name, parameter in model.named_parameters()
        if parameter.grad is None and not name.endswith("base.weight")
    ]
    assert without == []


def _observation() -> Observation:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (48, 80, 3), dtype=np.uint8)
    return Observation(image, CAPTIONS[0], depth_m=rng.uniform(0.5, 2, (48, 80)).astype(np.float32))


def _queries(n: int = 4) -> Queries:
    return Queries(np.random.default_rng(1).uniform(-1, 1, (n, 3)))


def test_equal_seeds_give_equal_samples_of_the_right_shape(model: TokenVlm) -> None:
    predictor = TokenVlmPredictor(model)
    first, again, other = (predictor.predict(_observation(), _queries(), 3, seed) for seed in (7, 7, 8))
    assert first.uvz.shape == (3, 4, 32, 3)
    assert first.valid_probability.shape == (3, 4, 32)
    assert np.array_equal(first.uvz, again.uvz)
    assert not np.array_equal(first.uvz, other.uvz)
    assert not np.array_equal(first.uvz[0], first.uvz[1])


def test_many_keypoints_are_decoded_in_pieces(model: TokenVlm, monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = TokenVlmPredictor(model)
    whole = predictor.predict(_observation(), _queries(7), 3, 0)
    monkeypatch.setattr("mu0.baselines.token_vlm.predictor.MOST_ROWS", 4)
    pieces = predictor.predict(_observation(), _queries(7), 3, 0)
    np.testing.assert_allclose(pieces.uvz, whole.uvz, atol=1e-5)


def test_traces_follow_their_anchor_and_depth_is_used(model: TokenVlm) -> None:
    queries = _queries()
    deeper = Queries(queries.anchor_uvz + np.array([0, 0, 1.0]))
    here, there = (TokenVlmPredictor(model).predict(_observation(), q, 2, 0) for q in (queries, deeper))
    np.testing.assert_allclose(there.uvz - here.uvz, np.broadcast_to([0, 0, 1.0], here.uvz.shape), atol=1e-5)
    blind = TokenVlmPredictor(model, use_depth=False).predict(_observation(), queries, 2, 0)
    assert not np.array_equal(blind.uvz, here.uvz)


def test_unusable_queries_are_explained(model: TokenVlm) -> None:
    with pytest.raises(PredictionError, match=r"^The anchor of keypoint 0 is \[nan, nan, nan\]"):
        TokenVlmPredictor(model).predict(_observation(), Queries(np.full((1, 3), np.nan)), 1, 0)


def test_a_checkpoint_loads_alone_and_predicts_the_same(model: TokenVlm, tmp_path: Path) -> None:
    save_token_vlm(tmp_path / "m", model, {"steps": 1})
    assert json.loads((tmp_path / "m/config.json").read_text())["method"] == "token_vlm"
    before, after = (
        predictor.predict(_observation(), _queries(), 2, 0)
        for predictor in (TokenVlmPredictor(model), TokenVlmPredictor.from_folder(tmp_path / "m"))
    )
    assert np.array_equal(before.uvz, after.uvz)


def test_missing_unexpected_and_misshapen_weights_are_named(model: TokenVlm, tmp_path: Path) -> None:
    save_token_vlm(tmp_path, model, {})
    weights = load_file(tmp_path / "model.safetensors")
    weights["surplus"] = weights.pop("end_head.bias")
    weights["word_head.bias"] = weights["word_head.bias"][:5].clone()
    save_file(weights, tmp_path / "model.safetensors")
    words = r"missing: end_head.bias; unexpected: surplus; of another shape: word_head.bias\."
    with pytest.raises(CheckpointError, match=words):
        load_token_vlm(tmp_path)


def test_other_configs_and_missing_files_are_refused(model: TokenVlm, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"lacks config.json, model.safetensors"):
        load_token_vlm(tmp_path)
    save_token_vlm(tmp_path, model, {})
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"method": "tracegen"}))
    with pytest.raises(CheckpointError, match="is of the method 'tracegen'"):
        load_token_vlm(tmp_path)
    del config["n_bins"]
    (tmp_path / "config.json").write_text(json.dumps(config | {"bins": 3}))
    with pytest.raises(CheckpointError, match=r"lacks \['n_bins'\] and has unknown \['bins'\]"):
        load_token_vlm(tmp_path)


def test_config_errors_name_the_rule() -> None:
    with pytest.raises(CheckpointError, match="future_len is a multiple of n_waypoints"):
        preset("tiny", n_waypoints=5)


def test_small_is_the_backbone_of_the_world_model_and_little_more(tokenizer: CaptionTokenizer) -> None:
    with torch.device("meta"):
        rival = TokenVlm(preset("small"), tokenizer, STATISTICS)
        mu0 = TraceWorldModel(world_model_preset("small"), tokenizer, STATISTICS)
    n_rival, n_mu0 = (sum(p.numel() for p in model.parameters()) for model in (rival, mu0))
    assert 0.55 < n_rival / n_mu0 < 1.0


@pytest.mark.parametrize(("name", "low", "high"), [("base", 0.3e9, 0.6e9), ("paper", 1.5e9, 2.6e9)])
def test_large_presets_are_the_smolvlm2_backbones(
    name: str, low: float, high: float, tokenizer: CaptionTokenizer
) -> None:
    with torch.device("meta"):
        model = TokenVlm(preset(name), tokenizer, STATISTICS)  # type: ignore[arg-type]
        backbone = TraceWorldModel(
            world_model_preset(name),
            tokenizer,
            STATISTICS,  # type: ignore[arg-type]
        ).backbone
    shapes = {key: value.shape for key, value in model.backbone.state_dict().items()}
    assert shapes == {key: value.shape for key, value in backbone.state_dict().items()}
    n_trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert low < n_trainable < high
