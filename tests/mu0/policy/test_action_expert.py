"""Variants differ in what they see of the scene, and in nothing else."""

import dataclasses
from collections.abc import Callable

import pytest
import torch

from mu0.policy.action_expert import ActionExpert, PolicyInputs

Make = Callable[..., ActionExpert]


def chunk(expert: ActionExpert, inputs: PolicyInputs) -> torch.Tensor:
    with torch.inference_mode():
        return expert.regress(expert.encode(inputs))


def with_other_traces(inputs: PolicyInputs) -> PolicyInputs:
    assert inputs.front is not None
    return with_front(inputs, trace=inputs.front.trace.flip(0) * 3 + 1)


def with_front(inputs: PolicyInputs, **changes: torch.Tensor) -> PolicyInputs:
    assert inputs.front is not None
    return dataclasses.replace(inputs, front=dataclasses.replace(inputs.front, **changes))


def told(inputs: PolicyInputs, *numbers: float) -> PolicyInputs:
    """The same moment, with words of the named thing in the place of the front picture."""
    return dataclasses.replace(inputs, front=None, told=torch.tensor([numbers]).expand(3, -1))


def test_no_trace_ignores_trace_features(make_expert: Make, inputs: PolicyInputs) -> None:
    expert = make_expert("no_trace")
    assert torch.equal(chunk(expert, inputs), chunk(expert, with_other_traces(inputs)))


def test_mu0_reacts_to_trace_features(make_expert: Make, inputs: PolicyInputs) -> None:
    expert = make_expert("mu0")
    assert (chunk(expert, inputs) - chunk(expert, with_other_traces(inputs))).abs().max() > 1e-4


def test_closed_gate_shuts_the_traces_out(make_expert: Make, inputs: PolicyInputs) -> None:
    expert = make_expert("mu0")
    assert expert.front is not None
    assert expert.front.mixer is not None
    with torch.no_grad():
        expert.front.mixer.gate.fill_(-1e4)
    assert torch.equal(chunk(expert, inputs), chunk(expert, with_other_traces(inputs)))


def test_gate_starts_half_open(make_expert: Make) -> None:
    expert = make_expert("mu0")
    assert expert.front is not None
    assert expert.front.mixer is not None
    assert torch.sigmoid(expert.front.mixer.gate) == 0.5


def test_variants_differ_in_the_mixer_only(make_expert: Make) -> None:
    names = {
        variant: {n for n, _ in make_expert(variant).named_parameters()} for variant in ("mu0", "no_trace")
    }
    assert {name.split(".")[1] for name in names["mu0"] - names["no_trace"]} == {"mixer"}
    assert names["no_trace"] < names["mu0"]


@pytest.mark.parametrize("variant", ["mu0", "no_trace"])
def test_padded_prefix_tokens_do_not_matter(make_expert: Make, variant: str, inputs: PolicyInputs) -> None:
    expert = make_expert(variant)
    assert inputs.front is not None
    prefix = inputs.front.prefix.clone()
    prefix[:, 18:] = 100.0
    torch.testing.assert_close(chunk(expert, inputs), chunk(expert, with_front(inputs, prefix=prefix)))


@pytest.mark.parametrize("variant", ["mu0", "no_trace"])
def test_padding_may_be_cut_off(make_expert: Make, variant: str, inputs: PolicyInputs) -> None:
    expert = make_expert(variant)
    assert inputs.front is not None
    cut = inputs.front.prefix[:, :18], inputs.front.prefix_mask[:, :18]
    short = with_front(inputs, prefix=cut[0], prefix_mask=cut[1])
    torch.testing.assert_close(chunk(expert, inputs), chunk(expert, short))


def test_noise_draws_share_a_context(make_expert: Make, inputs: PolicyInputs) -> None:
    expert = make_expert("mu0")
    x, tau = torch.randn(6, 16, 5), torch.rand(6)
    with torch.inference_mode():
        context = expert.encode(inputs)
        together = expert.velocity(context, x, tau)
        every_second = expert.velocity(context, x[::2], tau[::2])
    torch.testing.assert_close(together[::2], every_second, atol=1e-5, rtol=1e-4)


def test_wrist_image_matters(make_expert: Make, inputs: PolicyInputs) -> None:
    expert = make_expert("no_trace")
    other = dataclasses.replace(inputs, wrist=inputs.wrist.flip(0))
    assert (chunk(expert, inputs) - chunk(expert, other)).abs().max() > 1e-5


def test_words_decide_where_it_looks(make_expert: Make, inputs: PolicyInputs) -> None:
    expert = make_expert("no_trace")
    other = dataclasses.replace(inputs, words=(inputs.words + 1) % 4)
    assert expert.front is not None
    assert inputs.front is not None
    feature_map = inputs.front.feature_map
    looked = [expert.front.places(feature_map, expert.words(x.words).mean(1)) for x in (inputs, other)]
    assert not torch.allclose(*looked)


def test_who_is_told_the_place_has_nothing_of_the_front_picture(make_expert: Make) -> None:
    expert = make_expert("grounded")
    assert expert.front is None
    assert not any(name.startswith("front") for name, _ in expert.named_parameters())


@pytest.mark.parametrize("other", [(1.0, -1.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0)])
def test_what_is_told_matters(make_expert: Make, inputs: PolicyInputs, other: tuple[float, ...]) -> None:
    expert = make_expert("grounded")
    here, there = chunk(expert, told(inputs, 0.0, 0.0, 1.0, 0.0)), chunk(expert, told(inputs, *other))
    assert (here - there).abs().max() > 1e-4


def test_who_is_told_and_sees_needs_both(make_expert: Make, inputs: PolicyInputs) -> None:
    expert, here = make_expert("grounded_front"), told(inputs, 0.3, 0.2, 0.6, 0.8)
    seen = dataclasses.replace(here, front=inputs.front)
    there = dataclasses.replace(seen, told=told(inputs, 0.0, 0.2, 0.6, 0.8).told)
    assert inputs.front is not None
    dark = dataclasses.replace(inputs.front, trace=torch.zeros_like(inputs.front.trace))
    unforeseen = dataclasses.replace(seen, front=dark)
    for other in (there, unforeseen):
        assert (chunk(expert, seen) - chunk(expert, other)).abs().max() > 1e-6


def test_the_front_picture_does_not_matter_to_who_is_told(make_expert: Make, inputs: PolicyInputs) -> None:
    expert = make_expert("grounded")
    blind = told(inputs, 0.3, 0.2, 0.6, 0.8)
    seeing = dataclasses.replace(blind, front=inputs.front)
    assert torch.equal(chunk(expert, blind), chunk(expert, seeing))


def test_no_pretraining_is_built_as_no_trace(make_expert: Make) -> None:
    first, second = (make_expert(variant).state_dict() for variant in ("no_trace", "no_pretraining"))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_without_a_world_model_stems_look_at_every_picture(make_expert: Make, inputs: PolicyInputs) -> None:
    expert = make_expert("stems", n_stems=3)
    others = torch.randint(0, 256, (3, 2, 3, 64, 64), dtype=torch.uint8)
    seen = dataclasses.replace(inputs, front=None, others=others)
    assert expert.front is None
    before = chunk(expert, seen)
    for number in range(2):
        changed = others.clone()
        changed[:, number] = 255 - changed[:, number]
        assert not torch.equal(before, chunk(expert, dataclasses.replace(seen, others=changed)))
    assert inputs.wrist is not None
    assert not torch.equal(before, chunk(expert, dataclasses.replace(seen, wrist=255 - inputs.wrist)))


def test_one_camera_is_enough(make_expert: Make, inputs: PolicyInputs) -> None:
    expert = make_expert("no_trace", n_stems=0)
    assert chunk(expert, dataclasses.replace(inputs, wrist=None)).shape == (3, 16, 5)


def test_further_stems_leave_the_first_ones_as_they_start(make_expert: Make) -> None:
    """Sizes of the readout differ; what comes before it is drawn from the same random numbers."""
    one, three = make_expert("no_trace").state_dict(), make_expert("no_trace", n_stems=3).state_dict()
    assert set(one) < set(three)
    assert all(torch.equal(one[name], three[name]) for name in one if name.startswith(("wrist.", "front.")))


def test_sizes_are_those_of_the_robot(make_expert: Make, inputs: PolicyInputs) -> None:
    expert = make_expert("no_trace", state_dim=14, action_dim=26, keyframe_dims=0)
    context = expert.encode(dataclasses.replace(inputs, state=torch.zeros(3, 14)))
    assert context.keyframe.shape == (3, 0)
    assert expert.regress(context).shape == (3, 16, 26)
    assert not [name for name, _ in expert.named_parameters() if name.startswith(("keyframe", "aim"))]
