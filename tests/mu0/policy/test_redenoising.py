"""Scores of chunks: exact on the field of a Gaussian, where the most likely chunk is known.

Numbers from reference/tau0.md §4.2 and §9.6.
"""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from mu0.errors import PolicyError
from mu0.policy.action_expert import ActionExpert, ActionExpertConfig, PolicyInputs
from mu0.policy.redenoising import BALANCED, RELEASED, Score, choose, consistency, require_scores

SHORT, DIMS = 16, 7
ONE_PAIR = Score((0.6,), both_signs=True)


def gaussian_field(spread: float, mean: float = 0.0) -> Callable[[Tensor, Tensor], Tensor]:
    """The velocity E[noise - data | x] of data from N(mean, spread^2)."""

    def field(x: Tensor, tau: Tensor) -> Tensor:
        t = tau[:, None, None]
        off = (x - (1 - t) * mean) / (t**2 + (1 - t) ** 2 * spread**2)
        return t * off - (mean + (1 - t) * spread**2 * off)

    return field


def test_the_worked_case() -> None:
    noise = torch.tensor([[0.5, -1.0]])
    chunks = torch.tensor([[[1.0, 0.0]], [[0.0, 0.8]], [[-0.5, 0.5]]])
    released = consistency(gaussian_field(1.0), chunks, noise, RELEASED)
    assert released.tolist() == pytest.approx([-0.591716, -1.505917, -1.368343], abs=1e-6)
    both = consistency(gaussian_field(1.0), chunks, noise, ONE_PAIR)
    assert both.tolist() == pytest.approx([-1.035503, -0.795858, -0.702663], abs=1e-6)
    assert int(released.argmax()) == 0, "the one farthest from the mean"
    assert int(both.argmax()) == 2, "the one nearest to it"


def test_times_count_by_the_bound_on_the_likelihood() -> None:
    assert BALANCED.weights == pytest.approx((0.623377, 0.233766, 0.103896, 0.038961), abs=1e-6)


@pytest.mark.parametrize("spread", [1.0, 0.3])
@pytest.mark.parametrize("score", [ONE_PAIR, BALANCED])
def test_both_signs_rank_as_the_likelihood_does(spread: float, score: Score) -> None:
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        chunks = spread * torch.randn(4, SHORT, DIMS, generator=generator, dtype=torch.float64)
        noise = torch.randn(SHORT, DIMS, generator=generator, dtype=torch.float64)
        likeliest = chunks.square().sum(dim=(1, 2)).argmin()
        assert consistency(gaussian_field(spread), chunks, noise, score).argmax() == likeliest


def test_the_released_score_is_often_wrong_where_both_signs_are_right() -> None:
    generator = torch.Generator().manual_seed(1)
    right = 0
    for _ in range(400):
        chunks = torch.randn(4, SHORT, DIMS, generator=generator)
        noise = torch.randn(SHORT, DIMS, generator=generator)
        best = consistency(gaussian_field(1.0), chunks, noise, RELEASED).argmax()
        right += int(best == chunks.square().sum(dim=(1, 2)).argmin())
    assert 0.5 < right / 400 < 0.68, "0.59 in the reference"


def small_expert(**changes: object) -> ActionExpert:
    torch.manual_seed(0)
    settings = {"variant": "stems", "objective": "flow", "vocabulary": ("cup",), "width": 32, "n_stems": 0}
    expert = ActionExpert(ActionExpertConfig(**{**settings, **changes})).eval()  # type: ignore[arg-type]
    torch.nn.init.normal_(expert.action_out.weight, std=0.3)
    return expert


def seen() -> PolicyInputs:
    state = torch.randn(1, 9, generator=torch.Generator().manual_seed(5))
    return PolicyInputs(None, state, torch.ones(1, 12, dtype=torch.long))


@torch.no_grad()
def test_the_winner_is_the_candidate_with_the_best_score() -> None:
    expert, generator = small_expert(), torch.Generator().manual_seed(3)
    choice = choose(expert, seen(), generator, 8)
    assert choice.scores.shape == (8,)
    again = choose(expert, seen(), torch.Generator().manual_seed(3), 8)
    assert torch.equal(choice.chunk, again.chunk), "equal seeds choose alike"
    context = expert.encode(seen())
    noise = torch.Generator().manual_seed(3)
    torch.randn(8, 16, 5, generator=noise)
    score = consistency(
        lambda x, tau: expert.velocity(context, x, tau),
        choice.chunk[None],
        torch.randn(16, 5, generator=noise),
    )
    assert float(score) == pytest.approx(float(choice.scores.max()), rel=1e-4)
    assert float(choice.scores.std()) > 0, "the candidates differ"


@torch.no_grad()
def test_what_is_not_finite_never_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    expert = small_expert()
    plain = expert.velocity

    def broken(context: object, x: Tensor, tau: Tensor) -> Tensor:
        found = plain(context, x, tau)  # type: ignore[arg-type]
        found[: len(x) // 2] = torch.nan
        return found

    monkeypatch.setattr(expert, "velocity", broken)
    choice = choose(expert, seen(), torch.Generator().manual_seed(0), 4)
    assert choice.scores.isneginf().tolist() == [True, True, False, False]
    assert choice.chunk.isfinite().all()


def test_regression_has_nothing_to_choose_from() -> None:
    assert require_scores(small_expert()).config.variant == "stems"
    with pytest.raises(PolicyError, match=r"(?s)objective l1 has no score.*best_of to 1"):
        require_scores(small_expert(objective="l1"))
