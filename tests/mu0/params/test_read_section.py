"""One section of a params file: what else stands in the file is nobody's business, faults are named."""

from pathlib import Path

import pytest

from mu0.errors import ParamsError
from mu0.params.action_expert import ActionExpertParams
from mu0.params.extract import ExtractParams
from mu0.params.read import read_section


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "params.yaml"
    path.write_text("extract: {anchor_stride: 3}\nother: {nobody: knows}\naction_expert: {stepps: 3}\n")
    return path


def test_other_sections_may_say_what_they_like(path: Path) -> None:
    assert read_section(path, "extract", ExtractParams).anchor_stride == 3


def test_a_section_that_is_not_there_has_its_defaults(path: Path) -> None:
    assert read_section(path, "extraction", ExtractParams) == ExtractParams()


def test_a_section_without_defaults_must_be_there(path: Path) -> None:
    with pytest.raises(ParamsError, match=r"1 fault(.|\n)*expert  Field required"):
        read_section(path, "expert", ActionExpertParams)


def test_faults_are_named_with_section_key_and_line(path: Path) -> None:
    with pytest.raises(ParamsError) as caught:
        read_section(path, "action_expert", ActionExpertParams)
    assert "line 3: action_expert.stepps  Extra inputs are not permitted" in str(caught.value)
    assert "action_expert.steps  Field required" in str(caught.value)


def test_an_empty_file_has_defaults_only_where_a_mapping_is_there(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("")
    with pytest.raises(ParamsError, match="whole file"):
        read_section(tmp_path / "empty.yaml", "extract", ExtractParams)
