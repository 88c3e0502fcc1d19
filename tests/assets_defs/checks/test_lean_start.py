"""What a gate leaves for later is still there for whoever asks, and databases come back after the start."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow  # importing Great Expectations takes seconds

LOOK = """
import json, sys
import assets_defs.checks.validate
heavy = {"altair.vegalite", "scipy.stats._stats_py", "sqlalchemy"}
loaded = sorted(heavy & set(sys.modules))
import altair
from scipy import stats
import sqlalchemy
print(json.dumps([loaded, altair.Chart.__name__, float(stats.norm.cdf(0.0)), sqlalchemy.select.__name__]))
"""


def test_charts_distributions_and_databases_load_when_asked_for_and_not_before() -> None:
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOOK], capture_output=True, text=True, check=True
    )
    assert json.loads(answer.stdout) == [[], "Chart", 0.5, "select"]


def test_what_was_loaded_before_stays_loaded() -> None:
    look = (
        "import altair, sqlalchemy, sys\nimport assets_defs.checks.validate\n"
        "print(sys.modules['sqlalchemy'] is sqlalchemy and sys.modules['altair'] is altair)"
    )
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", look], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "True"
