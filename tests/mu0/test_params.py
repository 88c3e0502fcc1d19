"""params.yaml: every profile is valid; every fault is named as `section.key  what is wrong`."""

import re
from pathlib import Path

import pytest

from mu0.errors import ParamsError
from mu0.params import load_params

GOOD = Path("profiles/smoke.yaml").read_text()


def message_of(path: Path) -> str:
    with pytest.raises(ParamsError) as caught:
        load_params(path)
    return str(caught.value)


@pytest.mark.parametrize("path", [Path("params.yaml"), *sorted(Path("profiles").glob("*.yaml"))], ids=str)
def test_profiles_are_valid(path: Path) -> None:
    assert load_params(path).profile in {"smoke", "small", "paper"}


def test_params_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_params(Path("params.yaml")).profile = "other"  # type: ignore[misc]


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(GOOD.replace("extract:\n", "extract:\n  n_keypoint: 3\n"))
    assert "    extract.n_keypoint  Extra inputs are not permitted" in message_of(path)


def test_a_wrong_type_is_named_with_what_was_found(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(re.sub(r"lr: [\w.+-]+", "lr: quick", GOOD, count=1))
    assert "train.lr  Input should be a valid number" in message_of(path)
    assert "(found 'quick')" in message_of(path)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(GOOD.replace("profile: smoke", "profil: smoke"))
    assert "2 fault(s)" in message_of(path)


def test_a_missing_file_tells_how_to_make_one(tmp_path: Path) -> None:
    assert "mu0 profile use small" in message_of(tmp_path / "params.yaml")


def test_broken_yaml_tells_the_line(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("profile: [smoke\nextract: {}\n")
    assert "is not valid YAML" in message_of(path)
    assert "line 2" in message_of(path)
