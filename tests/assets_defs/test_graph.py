"""The stage graph: names are unique, inputs exist, checks gate consumers, rendering is stable."""

from pathlib import Path

import yaml

from assets_defs.benchmark_methods import METHODS, WEIGHTS_OF, model_folder
from assets_defs.chain import BENCHMARK, EVERY_STAGE
from assets_defs.graph import Artifact, Pipeline, Stage
from mu0.evaluation.benchmark.methods import METHODS as METHOD_SPECS
from orchestration.dvc_yaml import is_current, render_dvc_yaml, write
from orchestration.params import whole_file

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
    artifacts = [artifact for stage in EVERY_STAGE for artifact in stage.outputs]
    assert len({stage.name for stage in EVERY_STAGE}) == len(EVERY_STAGE)
    assert len({artifact.name for artifact in artifacts}) == len(artifacts)
    assert len({artifact.path for artifact in artifacts}) == len(artifacts)


def test_stages_come_after_what_they_read() -> None:
    known: set[str] = set()
    for stage in EVERY_STAGE:
        assert set(stage.inputs) <= known, stage.name
        known |= {artifact.name for artifact in stage.outputs}


def test_params_sections_exist() -> None:
    assert {name.split(".")[0] for stage in EVERY_STAGE for name in stage.params} <= set(
        whole_file().model_fields
    )


def test_a_second_pipeline_reads_the_first_ones_artifacts_from_its_own_folder() -> None:
    score = Stage("score", "python -m score", ("score.py",), inputs=("made",), params=("make.key",))
    second = Pipeline((score,), dvc_yaml="bench/two/dvc.yaml", upstream=SMALL)
    assert yaml.safe_load(render_dvc_yaml(second)) == {
        "stages": {
            "score": {
                "cmd": "python -m score", "wdir": "../..", "params": ["make.key"],
                "deps": ["data/made", "reports/made.json", "score.py"],
            }
        }
    }  # fmt: skip
    assert second.address(score) == "bench/two/dvc.yaml:score"
    assert set(second.stages) == {"score"}


def test_the_benchmark_asks_exactly_the_registered_methods() -> None:
    assert set(METHODS) == set(METHOD_SPECS)
    for name, spec in METHOD_SPECS.items():
        inputs = BENCHMARK.stages[f"benchmark_predictions_{name}"].inputs
        weights = [
            BENCHMARK.artifacts[one].path for one in inputs if BENCHMARK.artifacts[one].kinds == ("torch",)
        ]
        assert weights == ([model_folder(spec.weights)] if spec.weights else [])
        assert spec.weights == (
            None if name in ("static", "constant_velocity") else WEIGHTS_OF.get(name, name)
        )
