"""The named thing: learned in seconds from coloured squares, found in new pictures, refused if not there."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from mu0.dataset.statistics import NormalizerStats
from mu0.errors import PredictionError
from mu0.model.grounding import ground
from mu0.model.losses import yes_no_loss
from mu0.model.named_thing import MAP_PX, place
from mu0.model.predictor import TracePredictor
from mu0.model.presets import preset
from mu0.model.world_model import TraceWorldModel
from mu0.records import Observation
from mu0.training.world_model import build_model

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (40, 40, 220), "yellow": (220, 210, 30)}
SIDE_PX, SQUARE_PX = 64, 8


def statistics() -> NormalizerStats:
    return NormalizerStats(1.0, 1.0, 1.0, num_samples=1, history_len=8, future_len=32)


def scene(rng: np.random.Generator, colours: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Grey noise with squares of some colours; the squares' middles in pixels."""
    image = rng.integers(90, 130, (SIDE_PX, SIDE_PX, 3)).astype(np.uint8)
    cells = rng.choice(16, len(colours), replace=False)
    corners = np.stack([cells % 4, cells // 4], axis=1) * 16 + rng.integers(0, 8, (len(colours), 2))
    for (x, y), colour in zip(corners, colours, strict=True):
        image[y : y + SQUARE_PX, x : x + SQUARE_PX] = COLOURS[colour]
    return image, corners + SQUARE_PX / 2


def teach(model: TraceWorldModel, steps: int) -> None:
    assert model.named_thing is not None
    rng = np.random.default_rng(0)
    optimizer = torch.optim.Adam(model.named_thing.parameters(), 3e-3)
    for _ in range(steps):
        images, texts, uv, labels = [], [], [], []
        for _ in range(8):
            colours = rng.permutation(list(COLOURS))[:3].tolist()
            image, middles = scene(rng, colours[:2])
            images.append(image)
            texts.append(f"take the {colours[0] if rng.random() < 0.8 else colours[2]} block")
            points = np.concatenate([middles, rng.uniform(0, SIDE_PX, (6, 2))])
            near = np.abs(points - middles[0]).max(1) < SQUARE_PX / 2
            labels.append(near & (colours[0] in texts[-1]))
            uv.append(points * 2 / SIDE_PX - 1)
        pictures = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
        logits = model.named_thing.logits_at(
            pictures, *model.tokenizer(texts), torch.from_numpy(np.stack(uv)).float()
        )
        loss = yes_no_loss(logits, torch.from_numpy(np.stack(labels)), torch.ones(8, 8, dtype=torch.bool))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@pytest.fixture(scope="module")
def taught() -> TracePredictor:
    texts = [f"take the {colour} block" for colour in COLOURS]
    model = build_model(preset("tiny", named_thing=True, named_width=32), texts, statistics(), seed=0)
    teach(model, 250)
    return TracePredictor(model)


def test_the_named_one_of_several_things_is_found_in_new_scenes(taught: TracePredictor) -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        colours = rng.permutation(list(COLOURS))[:3].tolist()
        image, middles = scene(rng, colours)
        found = ground(taught, Observation(image, f"take the {colours[0]} block"))
        assert np.abs(found.place_px - middles[0]).max() < 4
        assert found.confidence > 0.5
        assert found.heat.shape == (SIDE_PX // MAP_PX, SIDE_PX // MAP_PX)
        assert found.points_m is None


def test_what_is_not_there_is_refused(taught: TracePredictor) -> None:
    image, _ = scene(np.random.default_rng(2), ["red", "green"])
    with pytest.raises(PredictionError, match="Nothing in the picture is called"):
        ground(taught, Observation(image, "take the blue block"))


def test_with_depth_and_a_camera_the_place_is_known_in_metres(taught: TracePredictor) -> None:
    image, middles = scene(np.random.default_rng(3), ["red", "green"])
    intrinsics = np.array([[50.0, 0, 32], [0, 50.0, 32], [0, 0, 1]])
    depth_m = np.full(image.shape[:2], 2.0)
    found = ground(taught, Observation(image, "take the green block", depth_m, intrinsics))
    assert found.points_m is not None
    expected = (middles[1] - 32) / 50 * 2
    assert np.abs(found.points_m.mean(0) - [*expected, 2]).max() < 0.2
    holes = ground(taught, Observation(image, "take the green block", 0 * depth_m, intrinsics))
    assert holes.points_m is not None
    assert np.isnan(holes.points_m[:, 2]).all()


def test_the_expert_is_told_and_its_loss_does_not_teach_the_map(taught: TracePredictor) -> None:
    model = copy.deepcopy(taught.model)
    image, middles = scene(np.random.default_rng(4), ["yellow", "blue"])
    pictures = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    prefix = model.encode_prefix(pictures, ["take the yellow block"])
    assert prefix.named is not None
    assert not prefix.named.requires_grad
    assert (prefix.named[0, :2].numpy() + 1) * SIDE_PX / 2 == pytest.approx(middles[0], abs=4)
    anchors, noise = torch.zeros(1, 2, 3), torch.randn(1, 1, 2, model.config.n_control_points, 3)
    tau = torch.ones(1, 1)
    told = model.future_tokens(prefix, model.keypoints(anchors), noise, tau)
    untold = model.future_tokens(replace(prefix, named=None), model.keypoints(anchors), noise, tau)
    assert torch.equal(told, untold)  # before training it changes nothing
    assert model.named_mlp is not None
    for parameter in [*model.named_mlp.parameters(), *model.expert.parameters()]:
        torch.nn.init.normal_(parameter, std=0.1)
    untold = model.future_tokens(replace(prefix, named=None), model.keypoints(anchors), noise, tau)
    assert not torch.equal(model.future_tokens(prefix, model.keypoints(anchors), noise, tau), untold)


def test_a_place_is_the_peak_in_u_and_v() -> None:
    logits = torch.full((1, 8, 8), -9.0)
    logits[0, 2, 5] = 9.0
    assert place(logits)[0].tolist() == pytest.approx([2 * 5.5 / 8 - 1, 2 * 2.5 / 8 - 1, 1.0], abs=1e-3)


def test_a_model_without_the_map_says_so() -> None:
    model = build_model(preset("tiny"), ["take the red block"], statistics(), seed=0)
    observation = Observation(np.zeros((8, 8, 3), np.uint8), "take the red block")
    with pytest.raises(PredictionError, match="not trained to say which thing"):
        ground(TracePredictor(model), observation)
