"""params.yaml as a whole: every section that a room of the chain, the checks or promotion declares.

Nobody lists the sections here: `SECTIONS` in a room's `asset.py` does. Those of the chain must be in the
file, those of the pipelines beside it may be.
"""

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import create_model

from assets_defs.chain import BESIDE_ROOMS, ROOMS, sections
from assets_defs.checks.params import ChecksParams
from mu0.params.read import check
from mu0.params.section import Section
from orchestration.promotion.params import PromotionParams

params_path = Path("params.yaml")


class WholeFile(Section):
    """What does not belong to a room."""

    profile: str
    checks: ChecksParams
    promotion: PromotionParams


@cache
def whole_file() -> type[WholeFile]:
    """The type of params.yaml."""
    needed: dict[str, Any] = {name: (kind, ...) for name, kind in sections(ROOMS).items()}
    optional: dict[str, Any] = {name: (kind, kind()) for name, kind in sections(BESIDE_ROOMS).items()}
    return create_model("Params", __base__=WholeFile, **needed, **optional)


def check_params(path: Path = params_path) -> WholeFile:
    """Read and check all of params.yaml.

    Raises:
        ParamsError: The file is missing, is no YAML, or holds unknown keys, wrong types or impossible values;
            the message lists every fault as `section.key  what is wrong`.
    """
    return check(path, whole_file())
