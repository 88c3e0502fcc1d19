"""`mu0 estimate` prints a line per preset and refuses names it does not know."""

import re

import pytest
from typer.testing import CliRunner

from mu0.cli.estimate import show_estimates
from mu0.cli.main import app
from mu0.errors import ParamsError


@pytest.mark.slow
def test_a_preset_is_a_line_with_weights_memory_and_time() -> None:
    answer = CliRunner().invoke(app, ["estimate", "tiny"])
    assert answer.exit_code == 0, answer.output
    line = next(line for line in answer.output.splitlines() if line.strip().startswith("tiny"))
    assert re.search(r"0\.12 M +0\.12 M +1 x 32, 16 keypoints, float32 .* MiB .* 0\.\d+ s .* min", line)


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(ParamsError, match=r"no preset huge(.|\n)*tiny, small, base, paper"):
        show_estimates(["huge"], measured=False)
