"""`mu0 estimate` prints a line per preset, or per size and variant, and refuses names it does not know."""

import re
from typing import get_args

import pytest
from typer.testing import CliRunner

from mu0.cli.estimate import show_estimates
from mu0.cli.estimate_experts import show_expert_estimates
from mu0.cli.main import app
from mu0.errors import ParamsError
from mu0.policy.action_expert import Variant


@pytest.mark.slow
def test_a_preset_is_a_line_with_weights_memory_and_time() -> None:
    answer = CliRunner().invoke(app, ["estimate", "tiny"])
    assert answer.exit_code == 0, answer.output
    line = next(line for line in answer.output.splitlines() if line.strip().startswith("tiny"))
    assert re.search(r"0\.12 M +0\.12 M +1 x 32, 16 keypoints, float32 .* MiB .* 0\.\d+ s .* min", line)


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(ParamsError, match=r"no preset huge(.|\n)*tiny, small, base, paper"):
        show_estimates(["huge"], measured=False)


@pytest.mark.slow
def test_a_size_is_a_line_for_every_variant() -> None:
    answer = CliRunner().invoke(app, ["estimate", "paper", "--experts", "--no-measure"])
    assert answer.exit_code == 0, answer.output
    lines = [line.split() for line in answer.output.splitlines() if line.strip().startswith("paper")]
    assert [line[1] for line in lines] == list(get_args(Variant))
    assert lines[0][2:5] == ["paper", "463.90", "M"]


def test_an_unknown_size_is_refused() -> None:
    with pytest.raises(ParamsError, match=r"no size tiny(.|\n)*small, base, paper"):
        show_expert_estimates(["tiny"], measured=False)
