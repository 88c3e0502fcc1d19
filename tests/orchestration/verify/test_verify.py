"""Every difference is named with path, expected and found; the printed remedies work as printed."""

import shutil
from pathlib import Path

import pytest
from toy_models import flip_a_byte, run_dvc

from assets_defs.dvc_state import md5_of
from orchestration.verify.cache import Cache, Hasher
from orchestration.verify.everything import Findings, data_differences, examine_data
from orchestration.verify.outputs import FileDifference, Recorded
from orchestration.verify.repair import Repair

MODEL = "models/world_model"
WEIGHTS = f"{MODEL}/model.safetensors"


def differences(root: Path) -> list[str]:
    return [each.path for each in data_differences(root, examine_data(root))]


def repair(root: Path) -> list[str]:
    findings, work = examine_data(root), Repair(root, [])
    work.run(findings.damaged, findings.different)
    return work.done


def object_of(root: Path, path: str) -> Path:
    """Where the cache holds a file of the working tree; its path below the project."""
    return Cache.of(root).path(Hasher().md5(root / path)).relative_to(root)


def test_a_sound_project_has_no_difference(project: Path) -> None:
    findings = examine_data(project)
    assert data_differences(project, findings) == []
    assert (findings.n_outputs, findings.n_objects) == (3, 5)


@pytest.mark.parametrize("keeps_time", [False, True])
def test_damage_in_both_names_the_object_and_the_file(project: Path, *, keeps_time: bool) -> None:
    damaged = object_of(project, WEIGHTS)
    flip_a_byte(project / WEIGHTS, keeps_time=keeps_time)
    first, second = data_differences(project, examine_data(project))
    assert (first.path, second.path) == (damaged.as_posix(), WEIGHTS)
    assert first.expected == f"md5 {damaged.parent.name}{damaged.name}, its name"
    assert first.found == f"md5 {Hasher().md5(project / WEIGHTS)}"
    assert "`mu0 verify --fix`" in second.remedy
    assert "`mu0 run world_model`" in second.remedy


def test_what_the_main_chain_does_not_make_is_made_by_its_own_pipeline(tmp_path: Path) -> None:
    missing = Recorded("models/tracegen", "0" * 32, "tracegen")
    findings = Findings(different=[FileDifference(missing, missing.path, missing.md5, "")])
    (found,) = data_differences(tmp_path, findings)
    assert "`dvc repro benchmarks/traces/dvc.yaml:tracegen`" in found.remedy


@pytest.mark.slow
def test_after_the_repair_the_stage_runs_again_and_all_is_as_recorded(project: Path) -> None:
    before = md5_of(project / MODEL)
    flip_a_byte(project / WEIGHTS, keeps_time=True)
    done = repair(project)
    assert any("was moved to .dvc/damaged/" in line for line in done)
    assert not (project / WEIGHTS).exists()
    [left] = data_differences(project, examine_data(project))
    assert (left.path, left.found) == (WEIGHTS, "nothing")
    outcome = run_dvc(project, "repro", "world_model")  # what `mu0 run world_model` calls
    assert "training" in outcome.stdout, "the run cache must not hand out the damaged object again"
    assert md5_of(project / MODEL) == before
    assert differences(project) == []


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["flipped", "gone", "extra", "cut short", "folder gone"])
def test_what_the_cache_holds_is_put_back(project: Path, fault: str) -> None:
    before, path = md5_of(project / MODEL), project / WEIGHTS
    content = path.read_bytes()
    path.unlink()
    if fault == "flipped":
        path.write_bytes(content)
        flip_a_byte(path)
    elif fault == "cut short":
        path.write_bytes(content[:100])
    elif fault == "extra":
        path.write_bytes(content)
        (project / MODEL / "notes.txt").write_text("mine")
    elif fault == "folder gone":
        shutil.rmtree(project / MODEL)
    [difference] = data_differences(project, examine_data(project))
    assert "`mu0 verify --fix`, which puts models/world_model back" in difference.remedy
    assert f"{MODEL} was put back from DVC's cache" in repair(project)
    assert md5_of(project / MODEL) == before
    if fault == "extra":
        assert (project / ".dvc/damaged/files" / MODEL / "notes.txt").read_text() == "mine", (
            "nothing is deleted"
        )


def test_a_damaged_object_is_replaced_from_the_working_tree(project: Path) -> None:
    path = project / WEIGHTS
    stored = project / object_of(project, WEIGHTS)
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    flip_a_byte(stored)
    assert differences(project) == [stored.relative_to(project).as_posix()]
    [line] = repair(project)
    assert line.endswith(f"was replaced by a copy of {WEIGHTS}")
    assert stored.read_bytes() == content
    assert differences(project) == []


@pytest.mark.slow
def test_a_remote_gives_back_what_this_machine_lost(project: Path) -> None:
    remote = project.parent / "remote"
    remote.mkdir()
    assert run_dvc(project, "remote", "add", "-d", "shelf", str(remote)).returncode == 0
    assert run_dvc(project, "push", "-q").returncode == 0
    before = md5_of(project / MODEL)
    flip_a_byte(project / WEIGHTS)
    assert f"{MODEL} was fetched from the remote" in repair(project)
    assert md5_of(project / MODEL) == before
    assert differences(project) == []


@pytest.mark.slow
def test_a_stage_that_failed_left_its_model_in_the_cache(project: Path) -> None:
    before = md5_of(project / MODEL)
    (project / "inbox/b").write_text("b,2\n")
    (project / "fail").touch()
    assert run_dvc(project, "repro").returncode != 0
    assert not (project / MODEL).exists(), "DVC removes outputs before it runs a stage"
    assert run_dvc(project, "checkout", "--force", MODEL).returncode == 0, "the printed remedy"
    assert md5_of(project / MODEL) == before
