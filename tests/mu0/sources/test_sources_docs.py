"""docs/sources.md: every snippet is valid, and every kind has one."""

import json
import re
from pathlib import Path

import numpy as np
import yaml

from mu0.params.raw_videos import RawVideosParams
from mu0.sources.calibration import read_calibration
from mu0.sources.registry import READERS

PAGE = Path(__file__).parents[3] / "docs/sources.md"


def snippets(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_yaml_snippets_are_valid_and_name_every_kind() -> None:
    kinds = set()
    for snippet in snippets("yaml"):
        params = RawVideosParams.model_validate(yaml.safe_load(snippet)["raw_videos"])
        kinds |= {source.kind for source in params.sources.values()}
    assert kinds >= set(READERS)


def test_the_calibration_snippet_is_a_camera(tmp_path: Path) -> None:
    (snippet,) = snippets("json")
    json.loads(snippet)
    (tmp_path / "camera.json").write_text(snippet)
    calibration = read_calibration(tmp_path / "camera.json")
    assert calibration.size_px == (480, 640)
    assert calibration.camera_from_base is not None
    base_origin_in_camera = calibration.camera_from_base @ np.array([0, 0, 0, 1])
    assert base_origin_in_camera[2] > 0  # the robot stands before the camera
