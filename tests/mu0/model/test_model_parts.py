"""Small parts against known numbers: rotary positions, sinusoids, Fourier features, masks, flow, losses."""

import math
from pathlib import Path

import pytest
import torch

from mu0.errors import CheckpointError
from mu0.model.attention import attend, rotate
from mu0.model.config import config_from
from mu0.model.displacement import unproject
from mu0.model.embeddings import fourier_uv, time_sinusoid
from mu0.model.flow import clean_estimate, euler, interpolate, sample_times
from mu0.model.losses import flow_loss, rigidity_loss
from mu0.model.presets import preset
from mu0.model.suffix import group_pattern
from mu0.model.tokenizer import prompt, read_tokenizer, train_tokenizer


def test_time_sinusoid_has_the_release_values() -> None:
    e = time_sinusoid(torch.tensor([0.75]), 256)[0]
    expected = torch.tensor([0.0, -0.448032, 0.92388, -1.0, 0.382683])
    torch.testing.assert_close(e[[0, 1, 127, 128, 255]], expected, atol=2e-6, rtol=0)


def test_fourier_features_have_the_release_order() -> None:
    features = fourier_uv(torch.tensor([0.25, -0.5]), 8)
    torch.testing.assert_close(features[:3], torch.tensor([0.707107, 1.0, 0.0]), atol=1e-6, rtol=0)
    torch.testing.assert_close(features[8:12], torch.tensor([0.707107, 0.0, -1.0, 1.0]), atol=1e-6, rtol=0)
    assert features[16] == pytest.approx(-1.0)


def test_rotary_position_zero_is_the_identity() -> None:
    x = torch.randn(2, 3, 4, 8)
    torch.testing.assert_close(rotate(x, torch.zeros(2, 4, dtype=torch.long), 10000.0), x)


def test_rotary_products_depend_on_the_difference_of_positions_only() -> None:
    q, k = torch.randn(1, 1, 1, 64), torch.randn(1, 1, 1, 64)

    def product(m: int, n: int) -> torch.Tensor:
        return (rotate(q, torch.tensor([[m]]), 1e4) * rotate(k, torch.tensor([[n]]), 1e4)).sum()

    torch.testing.assert_close(product(7, 3), product(104, 100), rtol=1e-4, atol=1e-4)


def test_rotary_turns_the_first_pair_by_one_radian_per_position() -> None:
    x = torch.zeros(1, 1, 1, 4)
    x[..., 0] = 1
    turned = rotate(x, torch.tensor([[1]]), 10000.0)[0, 0, 0]
    torch.testing.assert_close(turned, torch.tensor([math.cos(1), 0, math.sin(1), 0]))


def test_grouped_attention_equals_a_plain_softmax() -> None:
    q, k, v = torch.randn(2, 4, 3, 8), torch.randn(2, 2, 5, 8), torch.randn(2, 2, 5, 8)
    mask = torch.ones(2, 1, 3, 5, dtype=torch.bool)
    mask[..., 4] = False
    kk, vv = k.repeat_interleave(2, 1), v.repeat_interleave(2, 1)
    scores = (q @ kk.mT / 8**0.5).masked_fill(~mask, -torch.inf)
    torch.testing.assert_close(attend(q, k, v, mask), scores.softmax(-1) @ vv)


def test_history_is_causal_and_the_future_sees_everything() -> None:
    expected = [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]]
    assert group_pattern(2, 2).int().tolist() == expected


def test_the_ends_of_the_path_are_data_and_noise() -> None:
    data, noise = torch.randn(2, 3), torch.randn(2, 3)
    torch.testing.assert_close(interpolate(data, noise, torch.tensor([0.0, 0.0])), data)
    torch.testing.assert_close(interpolate(data, noise, torch.tensor([1.0, 1.0])), noise)
    x = interpolate(data, noise, torch.tensor([0.3, 0.9]))
    torch.testing.assert_close(clean_estimate(x, noise - data, torch.tensor([0.3, 0.9])), data)


def test_euler_is_exact_on_straight_paths() -> None:
    data, noise = torch.randn(4), torch.randn(4)
    taus: list[float] = []

    def velocity(_x: torch.Tensor, tau: float) -> torch.Tensor:
        taus.append(tau)
        return noise - data

    torch.testing.assert_close(euler(velocity, noise, 4), data)
    assert taus == [1, 0.75, 0.5, 0.25]


def test_times_follow_the_beta_distribution() -> None:
    times = sample_times((20000,), torch.Generator().manual_seed(0))
    assert times.min() > 0
    assert times.max() <= 1
    assert times.mean() == pytest.approx(0.001 + 0.999 * 1.5 / 2.5, abs=0.01)


def test_flow_loss_sums_elements_and_averages_keypoints() -> None:
    target = torch.zeros(1, 1, 2, 10, 3)
    mask, known = torch.tensor([[[True, False]]]), torch.tensor([[True, True, True]])
    poisoned = torch.ones_like(target)
    poisoned[0, 0, 1] = torch.nan
    assert flow_loss(poisoned, target, mask, known) == 30
    assert flow_loss(poisoned, target, mask, torch.tensor([[True, True, False]])) == 20


def _naive_rigidity(paths: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor) -> float:
    groups = []
    for n in range(len(paths)):
        for cluster in ids[n].unique():
            member = torch.nonzero((ids[n] == cluster) & mask[n] & (ids[n] >= 0))[:, 0].tolist()
            pairs = [(i, j) for i in member for j in member if i < j]
            if pairs:
                values = [(paths[n, i] - paths[n, j]).norm(dim=-1).var(correction=0) for i, j in pairs]
                groups.append(torch.stack(values).mean())
    return float(torch.stack(groups).mean()) if groups else 0.0


def test_rigidity_equals_the_loop_over_clusters_and_pairs() -> None:
    generator = torch.Generator().manual_seed(0)
    paths = torch.randn(4, 6, 10, 3, generator=generator)
    ids = torch.randint(-1, 3, (4, 6), generator=generator)
    mask = torch.rand(4, 6, generator=generator) > 0.2
    assert float(rigidity_loss(paths, ids, mask)) == pytest.approx(
        _naive_rigidity(paths, ids, mask), rel=1e-5
    )
    assert rigidity_loss(paths, torch.full_like(ids, -1), mask) == 0


def test_metric_rigidity_forgives_rotation_and_the_official_one_does_not() -> None:
    angle = torch.linspace(0, 1, 32, dtype=torch.float64)
    body = torch.tensor([[0.1, 0, 0], [-0.1, 0.05, 0], [0, 0.1, 0.1]], dtype=torch.float64)
    cos, sin = angle.cos(), angle.sin()
    x = body[:, :1] * cos - body[:, 1:2] * sin
    y = body[:, :1] * sin + body[:, 1:2] * cos
    points = torch.stack([x, y, body[:, 2:].expand(-1, 32) + 1.0], dim=-1)
    tangent, ids, mask = 0.5, torch.zeros(1, 3, dtype=torch.long), torch.ones(1, 3, dtype=torch.bool)
    uvz = torch.stack(
        [x / (points[..., 2] * tangent), y / (points[..., 2] * tangent), points[..., 2]], dim=-1
    )
    rays = torch.tensor([[[tangent, 0.0], [tangent, 0.0]]], dtype=torch.float64)
    assert rigidity_loss(unproject(uvz[None], rays), ids, mask) < 1e-12
    assert rigidity_loss((uvz - uvz[:, :1])[None], ids, mask) > 1e-4


def test_tokenizer_is_reproducible_and_spells_unknown_words() -> None:
    captions = ["pick the red apple", "open the drawer"]
    first, again = train_tokenizer(captions, 300, 24), train_tokenizer(captions[::-1], 300, 24)
    assert first.tokenizer.to_str() == again.tokenizer.to_str()
    tokens, mask = first(["open the drawer", "push the zebra"])
    assert tokens.shape == mask.shape
    assert "[UNK]" not in first.tokenizer.encode("zebra").tokens
    assert mask.sum(1).tolist()[0] < mask.sum(1).tolist()[1] <= 24


def test_a_tokenizer_of_the_hub_neither_pads_nor_cuts(tmp_path: Path) -> None:
    trained = train_tokenizer(["pick the red apple"], 300, 24)
    expected = trained(["pick the red apple"])[0].tolist()
    trained.tokenizer.enable_padding(length=48)
    trained.tokenizer.enable_truncation(2)
    trained.write(tmp_path / "tokenizer.json")
    assert read_tokenizer(tmp_path / "tokenizer.json", 24)(["pick the red apple"])[0].tolist() == expected


def test_an_empty_instruction_becomes_a_neutral_task() -> None:
    assert prompt("") == "Task: predict future trajectory\n"
    assert prompt(" open ") == "Task: open\n"


def test_config_errors_name_the_rule_and_the_fields() -> None:
    with pytest.raises(CheckpointError, match=r"breaks: n_control_points is 4, 7 or 10"):
        preset("tiny", n_control_points=8, control_points_per_token=8)
    with pytest.raises(CheckpointError, match=r"lacks \['anchor_depth'.*unknown \['colour'\]"):
        config_from({"colour": 1}, "config.json")


def test_presets_have_the_sizes_of_the_release() -> None:
    paper, base = preset("paper"), preset("base")
    assert (paper.text_width, paper.expert_width, paper.text_layers, paper.head_width) == (2048, 1024, 20, 64)
    assert (paper.tokens_per_keypoint, base.head_width) == (2, 64)
