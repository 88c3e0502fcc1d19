"""Our model on imported weights against the reference written from the formulas, part by part."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import SmolVLMConfig, SmolVLMModel

from mu0.geometry.bspline import BezierFit, render_matrix
from mu0.model.backbone import Prefix
from mu0.model.checkpoint import load_checkpoint
from mu0.model.interchange.official import import_official
from mu0.model.suffix import Keypoints
from mu0.model.world_model import TraceWorldModel
from tests.mu0.model.official_folder import official_weights, write_official
from tests.mu0.model.official_reference import Heads, Reference, Scene, suffix_pattern

INSTRUCTION = "open the drawer"
SHOWS_HISTORY = [True, False, True]
CLOSE = {"atol": 2e-4, "rtol": 2e-4}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TraceWorldModel:
    """Ours, made by importing an official folder."""
    folder = tmp_path_factory.mktemp("official")
    source = write_official(folder / "release")
    import_official(source, folder / "ours", folder / "release/smolvlm2")
    return load_checkpoint(folder / "ours")


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference(official_weights(), Heads())


class Case:
    """One image with a depth panel and four keypoints: one without history, one that is padding."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(3)
        self.image = torch.rand(3, 56, 56, generator=generator)
        self.panel = torch.rand(3, 56, 56, generator=generator)
        self.uv = torch.tensor([[0.25, -0.5], [-0.9, 0.95], [0.4, 0.1], [0.0, 0.0]])
        self.history = torch.randn(4, 8, 3, generator=generator) * 0.3
        self.noise = torch.randn(2, 4, 10, 3, generator=generator)
        self.history_valid = torch.tensor([*SHOWS_HISTORY, True])[:, None].expand(4, 8)
        self.valid = torch.tensor([True, True, True, False])


@pytest.fixture(scope="module")
def case() -> Case:
    return Case()


@pytest.fixture(scope="module")
def token_ids(model: TraceWorldModel) -> Tensor:
    return model.tokenizer([INSTRUCTION])[0][0]


@pytest.fixture(scope="module")
def prefix(model: TraceWorldModel, case: Case) -> Prefix:
    """Padded to a longer neighbour's text, so that masking is part of the comparison."""
    images, panels = torch.stack([case.image] * 2), torch.stack([case.panel] * 2)
    with torch.no_grad():
        return model.encode_prefix(images, [INSTRUCTION, "pick up the cup " * 3], panels)


@pytest.fixture(scope="module")
def scene(reference: Reference, case: Case, token_ids: Tensor) -> Scene:
    return reference.scene(case.image, token_ids, case.panel)


@pytest.fixture(scope="module")
def keypoints(model: TraceWorldModel, case: Case) -> Keypoints:
    pair = [torch.stack([value] * 2) for value in (case.uv, case.history, case.history_valid, case.valid)]
    return model.keypoints(*pair)


@pytest.fixture(scope="module")
def features(reference: Reference, case: Case) -> Tensor:
    return reference.dino_features(case.image, case.uv[:3])


@dataclass(frozen=True)
class Inputs:
    """The same scene and keypoints, prepared by both sides."""

    prefix: Prefix
    keypoints: Keypoints
    scene: Scene
    features: Tensor


@pytest.fixture(scope="module")
def inputs(prefix: Prefix, keypoints: Keypoints, scene: Scene, features: Tensor) -> Inputs:
    return Inputs(prefix, keypoints, scene, features)


@pytest.mark.parametrize("is_depth", [False, True])
@torch.no_grad()
def test_vision_tower_adapters_and_connector(
    model: TraceWorldModel, reference: Reference, case: Case, is_depth: bool
) -> None:
    """Patches, positions of a 4 x 4 grid in a 3 x 3 table, LoRA and the second stem, folding of 2 x 2."""
    image = case.panel if is_depth else case.image
    ours = model.backbone.image_tokens(image[None], is_depth=is_depth)[0][0]
    torch.testing.assert_close(ours.double(), reference.image_tokens(image, depth=is_depth), **CLOSE)


@torch.no_grad()
def test_prefix_keys_values_and_hidden_states(prefix: Prefix, scene: Scene) -> None:
    """sqrt(width), blocks RGB | depth | text, no causality, RoPE base 10000, grouped key heads."""
    n = len(scene.hidden)
    assert prefix.mask[0].sum() == n < prefix.mask.shape[1]
    for layer, (key, value) in enumerate(zip(scene.keys, scene.values, strict=True)):
        torch.testing.assert_close(prefix.keys[layer][0].transpose(0, 1)[:n].double(), key, **CLOSE)
        torch.testing.assert_close(prefix.values[layer][0].transpose(0, 1)[:n].double(), value, **CLOSE)
    torch.testing.assert_close(prefix.hidden[0, :n].double(), scene.hidden, atol=1e-3, rtol=1e-4)


@torch.no_grad()
def test_suffix_tokens(model: TraceWorldModel, reference: Reference, case: Case, inputs: Inputs) -> None:
    """History | future, rows by group, Fourier order, DINO sampled at (u, v), fusion without residual."""
    noisy = torch.stack([case.noise] * 2)
    ours = model.suffix(inputs.keypoints, noisy, inputs.prefix)[0].unflatten(0, (4, 2))
    theirs = reference.suffix(case.uv[:3], case.history[:3], case.noise[0, :3], inputs.features)
    theirs = theirs.unflatten(0, (3, 2))
    shown = torch.tensor(SHOWS_HISTORY)
    torch.testing.assert_close(ours[:3, 1].double(), theirs[:, 1], **CLOSE)
    torch.testing.assert_close(ours[:3, 0][shown].double(), theirs[:, 0][shown], **CLOSE)


@pytest.mark.parametrize("tau", [1.0, 0.37])
@torch.no_grad()
def test_expert_velocity_and_done(
    model: TraceWorldModel, reference: Reference, case: Case, inputs: Inputs, tau: float
) -> None:
    """Pinned position, joint and cross layers, re-projected keys, order of adaLN's chunks, heads."""
    tokens = reference.suffix(case.uv[:3], case.history[:3], case.noise[1, :3], inputs.features)
    hidden = reference.expert(tokens, inputs.scene, tau, SHOWS_HISTORY)
    velocity, done = reference.heads_of(hidden)
    noisy = torch.stack([case.noise] * 2)
    ours = model.future_tokens(inputs.prefix, inputs.keypoints, noisy, torch.full((2, 2), tau))
    torch.testing.assert_close(ours[0, 1, :3, 0].double(), hidden[1::2], **CLOSE)
    torch.testing.assert_close(model.velocity(ours)[0, 1, :3].double(), velocity, **CLOSE)
    torch.testing.assert_close(model.done_logits(ours)[0, 1, :3].double(), done, **CLOSE)


@torch.no_grad()
def test_samples_and_done_after_four_steps(
    model: TraceWorldModel, reference: Reference, case: Case, inputs: Inputs
) -> None:
    points, logits, _ = model.sample(inputs.prefix, inputs.keypoints, torch.stack([case.noise] * 2))
    for draw in range(2):
        expected, done = reference.sample(
            inputs.scene, case.uv[:3], case.history[:3], SHOWS_HISTORY, case.noise[draw, :3], inputs.features
        )
        torch.testing.assert_close(points[0, draw, :3].double(), expected, atol=1e-3, rtol=1e-3)
        torch.testing.assert_close(logits[0, draw, :3].double(), done, atol=1e-3, rtol=1e-3)


def test_the_reference_is_not_indifferent(
    reference: Reference, case: Case, scene: Scene, features: Tensor
) -> None:
    """A comparison is worth something only if each ingredient changes the outcome."""
    tokens = reference.suffix(case.uv[:3], case.history[:3], case.noise[1, :3], features)
    base = reference.expert(tokens, scene, 0.5, SHOWS_HISTORY)[1::2]
    shorter = Scene(scene.hidden, scene.keys[::-1], scene.values)
    others = (
        reference.expert(tokens, scene, 0.4, SHOWS_HISTORY)[1::2],
        reference.expert(tokens, scene, 0.5, [True, True, True])[1::2],
        reference.expert(tokens, shorter, 0.5, SHOWS_HISTORY)[1::2],
    )
    assert all(float((other - base).abs().max()) > 0.01 for other in others)


def test_pattern_of_two_tokens_per_keypoint() -> None:
    expected = [[1, 0, 0, 0], [1, 1, 0, 1], [1, 0, 0, 0], [1, 1, 0, 1]]
    assert suffix_pattern([True, False]).int().tolist() == expected


def test_spline_rows_are_those_of_three_cubic_pieces() -> None:
    """reference/mu0.md §3: Bernstein weights of the piece that t lies in."""
    rows = torch.zeros(32, 10, dtype=torch.float64)
    for i in range(1, 33):
        piece = min(3 * i // 32, 2)
        s = 3 * i / 32 - piece
        weights = [(1 - s) ** 3, 3 * s * (1 - s) ** 2, 3 * s**2 * (1 - s), s**3]
        rows[i - 1, 3 * piece : 3 * piece + 4] = torch.tensor(weights, dtype=torch.float64)
    torch.testing.assert_close(render_matrix(32, 10).double(), rows, atol=1e-7, rtol=0)


def test_the_ridge_weighs_lambda_squared() -> None:
    """The official solver stacks λΓ below the masked basis; least squares, in float64."""
    steps = torch.arange(1, 33, dtype=torch.float64) / 32
    future = torch.stack([steps, 2 * steps**2, torch.sin(2 * torch.pi * steps)], dim=-1)
    valid = torch.arange(32) < 16
    basis = torch.cat(
        [torch.eye(10, dtype=torch.float64)[:1], render_matrix(32, 10).double() * valid[:, None]]
    )
    difference = torch.diff(torch.eye(10, dtype=torch.float64), dim=0)
    stacked = torch.cat([basis, 0.2 * difference])
    goal = torch.cat([torch.zeros(1, 3), future * valid[:, None], torch.zeros(9, 3)])
    expected = torch.linalg.lstsq(stacked, goal).solution
    points, fitted = BezierFit(32, 10, 0.2, None)(future[None].float(), valid[None])
    assert fitted.all()
    torch.testing.assert_close(points[0].double(), expected, atol=1e-5, rtol=0)
    stated = torch.tensor([0.00281, 0.10821, 0.224384, 0.331775, 0.457119, 0.55195, *[0.577705] * 4])
    torch.testing.assert_close(points[0, :, 0], stated, atol=2e-6, rtol=0)


@pytest.mark.parametrize("size_px", [56, 42])
@torch.no_grad()
def test_vision_tower_and_connector_equal_transformers_own(
    model: TraceWorldModel, case: Case, size_px: int
) -> None:
    """SmolVLM's class of transformers with the same weights, at two grids of patches."""
    theirs = _transformers_twin(model)
    image = torch.nn.functional.interpolate(case.image[None], size=(size_px, size_px))
    if size_px == 42:
        tower = theirs.vision_model(image * 2 - 1).last_hidden_state
        ours = model.backbone
        patches, _ = ours.stem(image * 2 - 1)
        positions = ours.position_embedding(ours._position_ids(patches.shape[1]))
        encoded = ours.smolvlm.vision_model.encoder(inputs_embeds=patches + positions, attention_mask=None)
        mine = ours.smolvlm.vision_model.post_layernorm(encoded.last_hidden_state)
        torch.testing.assert_close(mine, tower)
        return
    expected = theirs.connector(theirs.vision_model(image * 2 - 1).last_hidden_state)
    torch.testing.assert_close(model.backbone.image_tokens(image)[0], expected)


@torch.no_grad()
def test_text_layers_equal_transformers_own(model: TraceWorldModel) -> None:
    """With all tokens visible to each other and the same rotary base, keys, values and states agree."""
    theirs = _transformers_twin(model).text_model
    hidden = torch.randn(2, 7, 32, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(2, 7, dtype=torch.bool)
    open_mask = torch.zeros(2, 1, 7, 7)
    cos_sin = theirs.rotary_emb(hidden, torch.arange(7)[None].expand(2, -1))
    mine = hidden
    for layer, ours in zip(theirs.layers, model.backbone.smolvlm.text_model.layers, strict=True):
        mine = model.backbone._text_layer(ours, mine, mask)[0]
        hidden = layer(hidden, attention_mask=open_mask, position_embeddings=cos_sin)
        torch.testing.assert_close(mine, hidden)


def _transformers_twin(model: TraceWorldModel) -> SmolVLMModel:
    """Transformers' model with our sizes, our weights and rotary base 10000."""
    config = SmolVLMConfig(
        scale_factor=2,
        vision_config={
            "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48,
            "patch_size": 14, "image_size": 42,
        },
        text_config={
            "model_type": "llama", "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4,
            "num_key_value_heads": 2, "head_dim": 8, "intermediate_size": 48, "vocab_size": 320,
            "rms_norm_eps": 1e-5, "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"},
            "pad_token_id": 0,
        },
        pad_token_id=0,
    )  # fmt: skip
    twin = SmolVLMModel(config).eval()
    weights = {
        name.removeprefix("backbone.smolvlm.").replace(".base.", "."): value
        for name, value in model.state_dict().items()
        if name.startswith("backbone.smolvlm.") and ".down." not in name and ".up." not in name
    }
    embeddings = "vision_model.embeddings"
    for part in ("weight", "bias"):
        weights[f"{embeddings}.patch_embedding.{part}"] = getattr(model.backbone.stem.projection, part)
    weights[f"{embeddings}.position_embedding.weight"] = model.backbone.position_embedding.weight
    twin.load_state_dict(weights)
    return twin


def test_the_folder_is_all_that_a_model_needs(model: TraceWorldModel, case: Case, tmp_path: Path) -> None:
    """A model filled from a file equals one that was built with initial weights and then filled."""
    filled = TraceWorldModel(model.config, model.tokenizer, model.statistics).eval()
    filled.load_state_dict(model.state_dict())
    prefixes = [one.encode_prefix(case.image[None], [INSTRUCTION]) for one in (model, filled)]
    outcomes = [
        one.sample(prefix, one.keypoints(case.uv[None]), case.noise[None])
        for one, prefix in zip((model, filled), prefixes, strict=True)
    ]
    assert torch.equal(outcomes[0][0], outcomes[1][0])
