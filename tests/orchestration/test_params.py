"""params.yaml: every profile is valid; every fault is named as `section.key  what is wrong`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mu0.errors import ParamsError
from mu0.params.read import read_section
from mu0.params.world_model import WorldModelParams
from orchestration.params import check_params, whole_file

GOOD = Path("profiles/smoke.yaml").read_text()
CHECKS = next(line for line in GOOD.splitlines() if line.startswith("checks:"))


def message_of(path: Path) -> str:
    with pytest.raises(ParamsError) as caught:
        check_params(path)
    return str(caught.value)


@pytest.mark.parametrize("path", [Path("params.yaml"), *sorted(Path("profiles").glob("*.yaml"))], ids=str)
def test_profiles_are_valid(path: Path) -> None:
    assert check_params(path).profile in {"smoke", "small", "paper", "pour", "towel"}


def test_params_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        check_params(Path("params.yaml")).profile = "other"  # type: ignore[misc]


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(GOOD.replace("extract:\n", "extract:\n  n_keypoint: 3\n"))
    assert ": extract.n_keypoint  Extra inputs are not permitted" in message_of(path)


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


@pytest.mark.parametrize(
    ("good", "bad", "words"),
    [
        ("lr: 1.0e-3", "lr: .inf", "world_model.train.lr  Input should be a finite number (found inf)"),
        ("lr: 1.0e-3", "lr: .nan", "world_model.train.lr  Input should be a finite number (found nan)"),
        ("lr: 1.0e-3", "lr: 1000", "world_model.train.lr  Input should be less than or equal to 10"),
        ("lr: 1.0e-3", "lr: [1, 2]", "world_model.train.lr  Input should be a valid number (found [1, 2])"),
        ("lr: 1.0e-3", "lr: true", "world_model.train.lr  Input should be a valid number (found True)"),
        ("lr: 1.0e-3", "lr: '0.001'", "world_model.train.lr  Input should be a valid number (found '0.001')"),
        ("steps: 20, batch", "steps: true, batch", "train.steps  Input should be a valid integer"),
        ("steps: 20, batch", "steps: 20.0, batch", "train.steps  Input should be a valid integer"),
        ("steps: 20, batch", "steps: '20', batch", "train.steps  Input should be a valid integer"),
        ("steps: 20, batch", "steps: 0, batch", "train.steps  Input should be greater than or equal to 1"),
        ("steps: 20, batch", "steps: 100000000000, batch", "train.steps  Input should be less than"),
        ("  workers: 2", "  workers: 100000", "workers  Input should be less than or equal to 256"),
        (CHECKS, "checks:", "checks  Input should be a valid dictionary"),
        (CHECKS, "checks: {min_clips: 0}", "checks.min_clips  Input should be greater than"),
        ("profile: smoke", "profile: 2024-01-01", "profile  Input should be a valid string"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_with_its_line(
    good: str, bad: str, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(GOOD.replace(good, bad, 1))
    line = GOOD[: GOOD.index(good)].count("\n") + 1
    message = message_of(path)
    assert words in message
    assert f"    line {line}: " in message


def test_a_section_given_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("trace_audit:\n  max_clips: 99\n\n" + GOOD)
    second = 3 + GOOD[: GOOD.index("trace_audit:")].count("\n") + 1
    assert f"'trace_audit' is given twice, on line 1 and on line {second}" in message_of(path)


def test_one_per_mille_is_a_number_in_either_yaml(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(GOOD.replace("lr: 1.0e-3", "lr: 1e-3", 1))
    assert read_section(path, "world_model", WorldModelParams).train.lr == 1e-3


def test_a_folder_in_the_place_of_the_file_is_said(tmp_path: Path) -> None:
    assert "cannot be read: Is a directory" in message_of(tmp_path)


def numbers_of(schema: dict[str, Any], place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every number of a JSON schema with its bounds, also inside lists and alternatives."""
    if schema.get("type") in {"integer", "number"}:
        yield place, schema
    for name, part in schema.get("properties", {}).items():
        yield from numbers_of(part, f"{place}.{name}")
    for name, part in schema.get("$defs", {}).items():
        yield from numbers_of(part, name)
    for part in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else [])):
        yield from numbers_of(part, place)


def test_every_number_has_a_lowest_and_a_highest_value() -> None:
    numbers = dict(numbers_of(whole_file().model_json_schema()))
    assert len(numbers) > 100
    unbounded = {
        place
        for place, kind in numbers.items()
        if not {"minimum", "exclusiveMinimum"} & set(kind) or not {"maximum", "exclusiveMaximum"} & set(kind)
    }
    assert unbounded == set()
