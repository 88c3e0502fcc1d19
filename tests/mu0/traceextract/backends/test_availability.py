"""Which learned backends could run here: code and weights are looked for, not loaded."""

import sys
from pathlib import Path

import pytest

from mu0.params.learned import DEFAULT_MODELS
from mu0.traceextract.backends.availability import broken_torchvision, learned_backends
from mu0.traceextract.backends.registry import LEARNED


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.syspath_prepend(str(tmp_path))


def _lacks() -> dict[str, str]:
    return {each.backend: each.lacks for each in learned_backends(Path("models"))}


def test_every_learned_backend_is_listed_and_says_what_it_lacks() -> None:
    found = _lacks()
    assert list(found) == [name for role in LEARNED.values() for name in role]
    assert found["vggt"] == "code (vggt)"
    assert found["cotracker3"] == "weights (facebookresearch/co-tracker)"


def test_weights_in_models_make_a_backend_ready(tmp_path: Path) -> None:
    for backend in ("dinov2", "depth_anything"):
        (tmp_path / "models" / DEFAULT_MODELS[backend].rpartition("/")[2]).mkdir(parents=True)
    found = _lacks()
    assert found["dinov2"] == ""
    assert found["depth_anything"] == ""


def test_installed_code_counts(tmp_path: Path) -> None:
    (tmp_path / "vggt").mkdir()
    (tmp_path / "vggt" / "__init__.py").touch()
    assert _lacks()["vggt"] == ""


def test_a_torchvision_that_does_not_fit_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    (tmp_path / "torchvision.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')\n"
    )
    assert broken_torchvision() == "operator torchvision::nms does not exist"
