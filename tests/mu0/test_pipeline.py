"""The stage graph: names are unique, inputs exist, checks gate consumers, rendering is stable."""

from pathlib import Path

import yaml

from mu0.dvc_yaml import is_current, render_dvc_yaml, write
from mu0.params import Params
from mu0.pipeline import PIPELINE, STAGES, Artifact, Pipeline, Stage

MADE = Artifact("made", "data/made", "group", "Made.")
SMALL = Pipeline((
    Stage("make", "python -m make", ("code.py",), external=("inbox",), params=("make",), outputs=(MADE,)),
    Stage("check_made", "python -m check", ("check.py",), inputs=("made",), checks="made",
          report="reports/made.json"),
    Stage("use", "python -m use", ("use.py",), inputs=("made",), metrics=("m.json",),
          plots=(("m.csv", "x", "y"),)),
))  # fmt: skip


def test_a_small_graph_renders_to_exactly_this() -> None:
    assert yaml.safe_load(render_dvc_yaml(SMALL)) == {
        "stages": {
            "make": {
                "cmd": "python -m make", "deps": ["code.py", "inbox"], "params": ["make"],
                "outs": ["data/made"],
            },
            "check_made": {
                "cmd": "python -m check", "deps": ["check.py", "data/made"], "outs": ["reports/made.json"],
            },
            "use": {
                "cmd": "python -m use", "deps": ["data/made", "reports/made.json", "use.py"],
                "metrics": ["m.json"], "plots": [{"m.csv": {"x": "x", "y": "y"}}],
            },
        }
    }  # fmt: skip


def test_a_file_is_current_until_somebody_edits_it(tmp_path: Path) -> None:
    path = tmp_path / "dvc.yaml"
    assert not is_current(path)
    write(path)
    assert is_current(path)
    path.write_text(path.read_text() + "\n")
    assert not is_current(path)


def test_names_and_paths_are_unique() -> None:
    artifacts = [artifact for stage in STAGES for artifact in stage.outputs]
    assert len(PIPELINE.stages) == len(STAGES)
    assert len({artifact.name for artifact in artifacts}) == len(artifacts)
    assert len({artifact.path for artifact in artifacts}) == len(artifacts)


def test_stages_come_after_what_they_read() -> None:
    known: set[str] = set()
    for stage in STAGES:
        assert set(stage.inputs) <= known, stage.name
        known |= {artifact.name for artifact in stage.outputs}


def test_params_sections_exist() -> None:
    assert {section for stage in STAGES for section in stage.params} <= set(Params.model_fields)
