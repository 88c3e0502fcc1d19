"""From demonstrations to a policy through one path: rivals train on the same rows, and equal seeds agree."""

from pathlib import Path

import numpy as np
import pytest

from mu0.errors import PolicyError
from mu0.files import sha256_of_tree
from mu0.model.checkpoint import save_checkpoint
from mu0.params.action_expert import ActionExpertParams
from mu0.policy.action_expert import Variant
from mu0.policy.trace_conditioned_policy import TraceConditionedPolicy
from mu0.policy.train_action_expert import Paths, train_action_expert
from mu0.records import Observation
from mu0.sources.lerobot.dataset_v3 import DemonstrationEpisode
from mu0.sources.lerobot.writer import write_lerobot_dataset
from tests.mu0.policy.rival_experts import TEXTS, tiny_world_model

PARAMS = ActionExpertParams(steps=2, batch_size=2, convolutions="float32", device="cpu")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    rng = np.random.default_rng(0)
    action = 0.1 * rng.normal(size=(12, 5)).astype(np.float32)
    action[:, 4] = np.arange(12) > 5
    state = np.concatenate([action, action[:, :4]], axis=1)
    pictures = rng.integers(0, 256, (12, 64, 64, 3), dtype=np.uint8)
    episodes = [DemonstrationEpisode(pictures, pictures, state, action, text) for text in TEXTS]
    write_lerobot_dataset(tmp_path / "demonstrations", episodes, fps_hz=10.0, robot_type="ur3e")
    save_checkpoint(tmp_path / "world_model", tiny_world_model(), {})
    return Paths(
        tmp_path / "demonstrations", tmp_path / "world_model", tmp_path / "expert", tmp_path / "cache"
    )


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["diffusion_policy", "pi0", "end_to_end", "no_trace"])
def test_every_variant_goes_from_demonstrations_to_a_policy(paths: Paths, variant: Variant) -> None:
    fitted, meta = train_action_expert(paths, variant, PARAMS)
    assert fitted.steps_run == 2
    assert meta["n_frames"] == 24
    policy = TraceConditionedPolicy.load(paths.expert, paths.world_model)
    policy.reset(0)
    picture = np.zeros((64, 64, 3), np.uint8)
    seen = Observation(picture, TEXTS[0], wrist_image=picture, proprioception=np.zeros(9, np.float32))
    chunk = policy.predict_action_chunk(seen).actions
    assert chunk.shape == (16, 5)
    assert np.isfinite(chunk).all()


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["diffusion_policy", "pi0"])
def test_equal_seeds_give_equal_bytes(paths: Paths, variant: Variant) -> None:
    found = []
    for _ in range(2):
        train_action_expert(paths, variant, PARAMS)
        found.append(sha256_of_tree(paths.expert))
    assert found[0] == found[1]


@pytest.mark.slow
def test_size_decides_how_many_weights_are_trained_and_recorded(paths: Paths) -> None:
    small, base = (
        train_action_expert(paths, "pi0", PARAMS.model_copy(update={"size": size}))[1]
        for size in ("small", "base")
    )
    assert base["n_parameters"] > 1.5 * small["n_parameters"]
    assert (small["params"]["size"], base["params"]["size"]) == ("small", "base")


@pytest.mark.parametrize(("variant", "own"), [("diffusion_policy", "diffusion"), ("pi0", "flow")])
def test_a_rival_keeps_its_own_objective(paths: Paths, variant: Variant, own: str) -> None:
    with pytest.raises(PolicyError, match=rf"objective: l1` was asked of {variant}.\n.*objective, {own}\n"):
        train_action_expert(paths, variant, PARAMS.model_copy(update={"objective": "l1"}))
