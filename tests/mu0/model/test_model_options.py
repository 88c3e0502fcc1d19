"""Options of μ0: off they change nothing, on they do what they say, and every ablation learns and samples."""

import dataclasses
from collections.abc import Callable

import pytest
import torch

from mu0.dataset.batch import TraceBatch
from mu0.model.ablations import ABLATIONS
from mu0.model.anchor_depth import AnchorDepth, depth_features
from mu0.model.config import WorldModelConfig
from mu0.model.corruption import as_two_d, corrupt
from mu0.model.displacement import dataset_units, metric_scale_m, rays_or_default, unproject
from mu0.model.flow import DATA_STD, guide, skip_gain
from mu0.model.guidance import Guidance
from mu0.model.losses import known_axes
from mu0.model.presets import preset
from mu0.model.world_model import TraceWorldModel

Build = Callable[..., TraceWorldModel]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise_for(config: WorldModelConfig) -> torch.Tensor:
    return torch.randn(3, 2, 5, config.n_control_points, 3, generator=seeded(1))


def sample(
    model: TraceWorldModel, batch: TraceBatch, guidance: Guidance | None = None, **prefix: torch.Tensor
) -> torch.Tensor:
    seen = model.encode_prefix(batch.image, batch.instructions, **prefix)  # type: ignore[arg-type]
    keypoints = model.keypoints(
        batch.anchor_uvz, batch.history, batch.history_valid, batch.query_valid, batch.rays
    )
    return model.render(model.sample(seen, keypoints, noise_for(model.config), guidance)[0])


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_ablation_differs_from_mu0_learns_and_samples(
    build: Build, batch: TraceBatch, name: str
) -> None:
    model = build(preset("tiny", **ABLATIONS[name])).train()
    assert (model.config == preset("tiny")) == (name == "mu0")
    terms = model.loss(batch, seeded())
    terms.total.backward()
    assert torch.isfinite(terms.total)
    assert terms.flow > 0
    assert sample(model.eval(), batch).shape == (3, 2, 5, 32, 3)


def test_waypoint_losses_weigh_as_much_as_those_of_a_spline() -> None:
    waypoints = preset("tiny", **ABLATIONS["raw_waypoints"])
    assert waypoints.flow_share * waypoints.n_control_points == pytest.approx(10)
    assert preset("tiny").flow_share == 1


@pytest.mark.parametrize("per_token", [32, 8])
def test_waypoints_are_not_bound_to_the_anchor_and_may_be_grouped(
    build: Build, batch: TraceBatch, per_token: int
) -> None:
    model = build(preset("tiny", **ABLATIONS["raw_waypoints"] | {"control_points_per_token": per_token}))
    assert model.config.hard_anchor
    assert (sample(model, batch)[..., 0, :] != 0).all()
    assert model.config.n_future_tokens == 32 // per_token


def test_without_history_the_past_is_never_read(build: Build, batch: TraceBatch) -> None:
    model = build(preset("tiny", use_history=False))
    other = dataclasses.replace(batch, history=torch.full_like(batch.history, torch.nan))
    assert torch.equal(sample(model, batch), sample(model, other))


# ------------------------------------------------------------------ depth of the anchor


def test_the_anchors_depth_matters_only_to_models_that_take_it(build: Build, batch: TraceBatch) -> None:
    batch = dataclasses.replace(batch, anchor_uvz=batch.anchor_uvz.abs() + 0.2)
    far = dataclasses.replace(batch, anchor_uvz=batch.anchor_uvz * torch.tensor([1, 1, 2.0]))
    for has_depth in (False, True):
        model = build(preset("tiny", anchor_depth=has_depth))
        assert torch.allclose(sample(model, batch), sample(model, far)) != has_depth


def test_in_training_some_images_do_without_the_depth_of_their_anchors(
    build: Build, batch: TraceBatch
) -> None:
    far = dataclasses.replace(batch, anchor_uvz=batch.anchor_uvz.abs() + torch.tensor([0, 0, 1.0]))
    near = dataclasses.replace(far, anchor_uvz=far.anchor_uvz * torch.tensor([1, 1, 0.5]))
    for dropout, is_blind in ((1.0, True), (0.0, False)):
        model = build(preset("tiny", anchor_depth=True, anchor_depth_dropout=dropout)).train()
        losses = [model.loss(one, seeded()).flow for one in (near, far)]
        assert (losses[0] == losses[1]) == is_blind


def test_unknown_depth_is_a_vector_of_its_own() -> None:
    embed = AnchorDepth(4, 8)
    with torch.no_grad():
        embed.unknown.fill_(2.0)
    assert (embed(torch.tensor([0.0, 1.0])) == torch.tensor([[2.0], [0.0]])).all()


def test_depth_features_are_those_of_the_scaled_logarithm() -> None:
    expected = torch.tensor([[-1, 0, 0, -1, 1], [0, 0, 0, 1, 1], [0.5, 1, 0, 0, -1.0]])
    features = depth_features(torch.tensor([0.1, 1.0, 10**0.5]), 2)
    torch.testing.assert_close(features, expected, atol=1e-6, rtol=0)


# ------------------------------------------------------------------ metres


def metric_config() -> WorldModelConfig:
    return preset("tiny", displacement="metric")


def test_equal_motions_near_and_far_are_equal_in_metric_units(build: Build) -> None:
    model = build(metric_config())
    rays = torch.tensor([[[0.4, 0.01], [0.3, -0.02]]])
    anchors = torch.tensor([[[0.1, 0.2, 0.5], [-0.3, 0.4, 2.0]]])
    moved_m = torch.tensor([0.05, -0.02, 0.0])  # parallel to the image plane, so that z stays
    points_m = unproject(anchors, rays) + moved_m
    z = points_m[..., 2:]
    uv = (points_m[..., :2] / z - rays[:, None, :, 1]) / rays[:, None, :, 0]
    stored = (torch.cat([uv, z], -1) - anchors) / torch.from_numpy(model.statistics.delta_scale)
    own = stored / dataset_units(model.config, model.statistics, anchors[..., 2], rays)
    scale_m = metric_scale_m(model.statistics, model.config.half_view_tangent)
    torch.testing.assert_close(own, (moved_m / scale_m).expand(1, 2, 3), atol=1e-5, rtol=1e-4)


def test_metric_models_return_the_datasets_units(
    build: Build, batch: TraceBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the exact velocity field the stored future comes back, whatever the unit inside."""
    model = build(metric_config())
    keypoints = model.keypoints(batch.anchor_uvz.abs() + 0.3, rays=batch.rays)
    units = dataset_units(model.config, model.statistics, keypoints.anchor_z_m, keypoints.rays)
    assert (units > 0).all()
    assert not torch.allclose(units, torch.ones(()))
    inside = torch.randn(3, 1, 5, 10, 3, generator=seeded())
    inside[..., 0, :] = 0
    noise = noise_for(model.config)[:, :1]
    monkeypatch.setattr(model, "velocity", lambda _tokens: noise - inside)
    prefix = model.encode_prefix(batch.image, batch.instructions)
    points, *_ = model.sample(prefix, keypoints, noise)
    torch.testing.assert_close(points, inside * units[:, None, :, None], atol=1e-5, rtol=1e-5)


def test_unknown_rays_are_those_of_the_field_of_view() -> None:
    config, anchors = metric_config(), torch.zeros(2, 1, 3)
    known = torch.tensor([[[0.4, 0.1], [0.3, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
    filled = rays_or_default(config, known, anchors)
    assert torch.equal(filled[0], known[0])
    assert torch.equal(filled[1], rays_or_default(config, None, anchors)[1])
    assert filled[1, 0].tolist() == pytest.approx([0.5774, 0.0])


def test_metric_rigidity_uses_each_images_own_camera(build: Build, batch: TraceBatch) -> None:
    model = build(preset("tiny", rigidity="metric"))
    batch = dataclasses.replace(batch, anchor_uvz=batch.anchor_uvz.abs() + 0.3)
    wide = dataclasses.replace(batch, rays=torch.full((3, 2, 2), 1.0))
    losses = [model.loss(one, seeded()).rigidity for one in (batch, wide)]
    assert 0 < losses[0] < losses[1]


# ------------------------------------------------------------------ text, image, dimensions


def test_guidance_of_one_is_the_unguided_output_exactly(build: Build, batch: TraceBatch) -> None:
    model = build()
    neutral = model.encode_prefix(batch.image, [""] * 3)
    plain = sample(model, batch)
    assert torch.equal(sample(model, batch, Guidance(neutral, 1.0)), plain)
    guided = sample(model, batch, Guidance(neutral, 2.0))
    assert not torch.allclose(guided[:2], plain[:2])
    torch.testing.assert_close(guided[2], plain[2], atol=1e-4, rtol=1e-4)  # its instruction is neutral


def test_guidance_walks_on_from_the_neutral_answer() -> None:
    told, untold = torch.tensor([3.0]), torch.tensor([1.0])
    assert [guide(told, untold, scale).item() for scale in (0.0, 1.0, 1.5)] == [1.0, 3.0, 4.0]


def test_options_that_are_off_draw_no_random_number(batch: TraceBatch) -> None:
    generator = seeded()
    assert corrupt(preset("tiny"), batch, generator) is batch
    assert torch.equal(generator.get_state(), seeded().get_state())


def test_the_asked_share_of_instructions_becomes_neutral(batch: TraceBatch) -> None:
    generator = seeded()
    config = preset("tiny", text_dropout=0.2)
    batch = dataclasses.replace(batch, instructions=["open"] * 3)
    texts = [text for _ in range(600) for text in corrupt(config, batch, generator).instructions]
    assert set(texts) == {"open", ""}
    assert texts.count("") == pytest.approx(360, abs=60)


def test_a_hidden_image_is_not_looked_at(build: Build, batch: TraceBatch) -> None:
    model, visible = build(), torch.tensor([True, False, True])
    other = dataclasses.replace(batch, image=batch.image.flip(2))
    first, second = (sample(model, one, image_valid=visible) for one in (batch, other))
    torch.testing.assert_close(first[1], second[1])
    assert not torch.allclose(first[0], second[0])
    everything = sample(model, batch, image_valid=torch.ones(3, dtype=torch.bool))
    assert torch.equal(everything, sample(model, batch))


def test_two_d_images_know_nothing_of_depth_and_supervise_none(build: Build, batch: TraceBatch) -> None:
    chosen = torch.tensor([True, False, True])
    flat = as_two_d(batch, chosen)
    assert (flat.future[chosen][..., 2] == 0).all()
    assert (flat.anchor_uvz[chosen][..., 2] == 0).all()
    assert (flat.history[chosen][..., 2] == 0).all()
    assert torch.equal(flat.future[..., :2], batch.future[..., :2])
    assert torch.equal(flat.future[1], batch.future[1])
    assert known_axes(flat)[:, 2].tolist() == [False, True, False]
    assert flat.depth_valid is not None
    assert flat.depth_valid.tolist() == [False, False, False]
    model = build(preset("tiny", two_d_share=1.0)).train()
    deep = dataclasses.replace(batch, future=batch.future * torch.tensor([1, 1, 5.0]))
    losses = [model.loss(one, seeded()).total for one in (batch, deep)]
    assert losses[0] == losses[1]


# ------------------------------------------------------------------ skip connection of the flow


def test_the_skip_is_the_best_linear_guess_of_the_velocity() -> None:
    generator = torch.Generator().manual_seed(0)
    data, noise = (
        torch.randn(200_000, generator=generator) * DATA_STD,
        torch.randn(200_000, generator=generator),
    )
    for tau in (0.05, 0.4, 0.9):
        x, velocity = tau * noise + (1 - tau) * data, noise - data
        best = (x * velocity).mean() / x.square().mean()
        assert skip_gain(torch.tensor(tau)).item() == pytest.approx(best.item(), abs=0.02)
    assert skip_gain(torch.tensor([0.0, 1.0])).tolist() == [-1, 1]


def test_with_the_skip_a_silent_network_already_removes_noise(build: Build, batch: TraceBatch) -> None:
    """A velocity head of zero leaves what a normal distribution of the data's size allows."""
    lengths = []
    for has_skip in (False, True):
        model = build(preset("tiny", flow_skip=has_skip))
        torch.nn.init.zeros_(model.velocity_head.weight)
        torch.nn.init.zeros_(model.velocity_head.bias)
        lengths.append(sample(model, batch).square().mean())
    assert 0 < lengths[1] < 0.5 * lengths[0]
