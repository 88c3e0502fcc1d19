"""μ0: blind to order, padding and hidden things; exact where the answer is known; seeded."""

import dataclasses
from collections.abc import Callable

import pytest
import torch

from mu0.dataset.batch import TraceBatch
from mu0.model.presets import preset
from mu0.model.suffix import Keypoints
from mu0.model.world_model import TraceWorldModel

Build = Callable[..., TraceWorldModel]


def _sample(
    model: TraceWorldModel, batch: TraceBatch, noise: torch.Tensor, **changes: torch.Tensor
) -> torch.Tensor:
    batch = dataclasses.replace(batch, **changes)
    prefix = model.encode_prefix(batch.image, batch.instructions, batch.depth_panel, batch.depth_valid)
    keypoints = model.keypoints(
        batch.anchor_uvz[..., :2], batch.history, batch.history_valid, batch.query_valid
    )
    return model.sample(prefix, keypoints, noise)[0]


@pytest.fixture
def noise() -> torch.Tensor:
    return torch.randn(3, 2, 5, 10, 3, generator=torch.Generator().manual_seed(1))


def test_keypoints_have_no_order(build: Build, batch: TraceBatch, noise: torch.Tensor) -> None:
    model, order = build(), torch.tensor([3, 1, 4, 0, 2])
    names = ("anchor_uvz", "history", "history_valid", "query_valid")
    permuted = {name: getattr(batch, name)[:, order] for name in names}
    expected = _sample(model, batch, noise)[:, :, order]
    torch.testing.assert_close(_sample(model, batch, noise[:, :, order], **permuted), expected)


def test_padding_keypoints_changes_nothing(build: Build, batch: TraceBatch, noise: torch.Tensor) -> None:
    model, valid = build(), torch.ones(3, 5, dtype=torch.bool)
    valid[:, 3:] = False
    names = ("anchor_uvz", "history", "history_valid", "query_valid", "future", "future_valid", "cluster_ids")
    short = {name: getattr(batch, name)[:, :3] for name in names}
    padded = _sample(model, batch, noise, query_valid=valid)[:, :, :3]
    torch.testing.assert_close(padded, _sample(model, batch, noise[:, :, :3], **short))


def test_longer_texts_of_neighbours_change_nothing(build: Build, batch: TraceBatch) -> None:
    model = build()
    together = model.encode_prefix(batch.image, batch.instructions)
    alone = model.encode_prefix(batch.image[1:2], batch.instructions[1:2])
    torch.testing.assert_close(
        together.hidden[1][together.mask[1]], alone.hidden[0][alone.mask[0]], atol=1e-4, rtol=1e-4
    )


def test_an_invalid_depth_panel_is_as_good_as_none(build: Build, batch: TraceBatch) -> None:
    model = build()
    with_depth = model.encode_prefix(batch.image, batch.instructions, batch.depth_panel, batch.depth_valid)
    without = model.encode_prefix(batch.image, batch.instructions)
    n_image = without.n_image_tokens
    torch.testing.assert_close(with_depth.hidden[1, :n_image], without.hidden[1, :n_image])
    assert not torch.allclose(with_depth.hidden[0, :n_image], without.hidden[0, :n_image])


def test_samples_share_a_prefix_and_equal_single_runs(
    build: Build, batch: TraceBatch, noise: torch.Tensor
) -> None:
    model = build()
    torch.testing.assert_close(_sample(model, batch, noise)[:, 1:], _sample(model, batch, noise[:, 1:]))


def test_hidden_history_is_not_read(build: Build, batch: TraceBatch, noise: torch.Tensor) -> None:
    model, hidden = build(), torch.zeros(3, 5, 8, dtype=torch.bool)
    poisoned = torch.full_like(batch.history, torch.nan)
    expected = _sample(model, batch, noise, history_valid=hidden)
    torch.testing.assert_close(_sample(model, batch, noise, history=poisoned, history_valid=hidden), expected)
    assert not torch.allclose(_sample(model, batch, noise), expected)


def test_the_text_matters(build: Build, batch: TraceBatch, noise: torch.Tensor) -> None:
    model = build()
    other = dataclasses.replace(batch, instructions=["open the drawer"] * 3)
    assert not torch.allclose(_sample(model, batch, noise)[0], _sample(model, other, noise)[0])


def test_a_fresh_expert_passes_its_tokens_through(build: Build, batch: TraceBatch) -> None:
    model = build(shaken=False)
    prefix = model.encode_prefix(batch.image, batch.instructions)
    noisy, tau = torch.randn(3, 5, 10, 3), torch.full((3,), 0.5)
    keypoints = model.keypoints(batch.anchor_uvz[..., :2])
    tokens = model.suffix(keypoints, noisy[:, None], prefix).unflatten(1, (5, -1))[:, :, -1]
    torch.testing.assert_close(model.trace_hidden(prefix, batch.anchor_uvz[..., :2], noisy, tau), tokens)
    assert (model.done_logits(tokens[:, None, :, None]) == model.config.done_bias).all()


def test_the_exact_field_has_zero_loss(
    build: Build, batch: TraceBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build(preset("tiny", rigidity="none"))
    points, _ = model.fit(batch.future, batch.future_valid)
    seen: list[torch.Tensor] = []
    forward = model.future_tokens

    def remember(
        prefix: object, keypoints: Keypoints, noisy: torch.Tensor, tau: torch.Tensor
    ) -> torch.Tensor:
        seen[:] = [noisy, tau]
        return forward(prefix, keypoints, noisy, tau)  # type: ignore[arg-type]

    def exact(_tokens: torch.Tensor) -> torch.Tensor:
        noisy, tau = seen
        return (noisy - points[:, None]) / tau[..., None, None, None]

    monkeypatch.setattr(model, "future_tokens", remember)
    monkeypatch.setattr(model, "velocity", exact)
    assert model.loss(batch, torch.Generator().manual_seed(0)).flow < 1e-6


def test_the_loss_is_a_function_of_the_seed(build: Build, batch: TraceBatch) -> None:
    model = build().train()
    first, again, other = (model.loss(batch, torch.Generator().manual_seed(seed)).total for seed in (3, 3, 4))
    assert first == again != other


def test_padding_and_invalid_steps_do_not_reach_the_loss(build: Build, batch: TraceBatch) -> None:
    model, valid = build(), torch.ones(3, 5, dtype=torch.bool)
    valid[:, 4] = False
    poison = torch.where(valid[..., None, None], batch.future, 77.0)
    masked = dataclasses.replace(batch, query_valid=valid, future_valid=batch.future_valid & valid[..., None])
    poisoned = dataclasses.replace(masked, future=poison)
    losses = [model.loss(one, torch.Generator().manual_seed(0)).total for one in (masked, poisoned)]
    assert losses[0] == losses[1]


def test_images_without_depth_supervise_only_uv(build: Build, batch: TraceBatch) -> None:
    model = build()
    flat = dataclasses.replace(batch, has_depth_axis=torch.zeros(3, dtype=torch.bool))
    other = dataclasses.replace(flat, future=flat.future * torch.tensor([1.0, 1.0, -3.0]))
    flow_flat, flow_full = (model.loss(one, torch.Generator().manual_seed(0)).flow for one in (flat, batch))
    assert flow_flat < flow_full
    assert torch.isfinite(model.loss(other, torch.Generator().manual_seed(0)).total)


def test_gradients_reach_every_trainable_weight(build: Build, batch: TraceBatch) -> None:
    model = build(preset("tiny", depth_dropout=0.0, history_dropout=0.0)).train()
    model.loss(batch, torch.Generator().manual_seed(0)).total.backward()
    unused = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert unused == ["backbone.smolvlm.text_model.norm.weight"]  # the release keeps it unused as well


def test_a_frozen_backbone_trains_only_its_depth_branch(build: Build) -> None:
    model = build(preset("tiny", train_backbone=False, keypoint_features="dinov2"))
    trainable = {name.split(".")[0] for name, p in model.backbone.named_parameters() if p.requires_grad}
    names = [name for name, p in model.backbone.smolvlm.named_parameters() if p.requires_grad]
    assert trainable == {"depth_stem", "smolvlm"}
    assert all(".down." in name or ".up." in name for name in names)
    assert not any(p.requires_grad for p in model.keypoint_features.parameters())


@pytest.mark.parametrize("features", ["none", "stem", "dinov2"])
def test_every_kind_of_keypoint_features_runs(
    build: Build, batch: TraceBatch, noise: torch.Tensor, features: str
) -> None:
    model = build(preset("tiny", keypoint_features=features))  # type: ignore[arg-type]
    assert _sample(model, batch, noise).shape == (3, 2, 5, 10, 3)


def test_the_hard_anchor_starts_traces_at_the_keypoint(
    build: Build, batch: TraceBatch, noise: torch.Tensor
) -> None:
    assert (_sample(build(), batch, noise)[..., 0, :] == 0).all()
    assert (_sample(build(preset("tiny", hard_anchor=False)), batch, noise)[..., 0, :] != 0).any()
