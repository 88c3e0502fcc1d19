"""A checkpoint that finds no room says so as the system does."""

from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

from mu0.model import tensor_files
from mu0.model.tensor_files import save_tensors


def test_what_the_system_refuses_is_its_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        save_tensors({"a": torch.zeros(1)}, tmp_path / "nowhere/a.safetensors")
    assert caught.value.filename == str(tmp_path / "nowhere/a.safetensors")


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise SafetensorError("Error while serializing: No space left on device (os error 28)")

    monkeypatch.setattr(tensor_files, "save_file", refuse)
    with pytest.raises(OSError, match="No space left") as caught:
        save_tensors({"a": torch.zeros(1)}, tmp_path / "a.safetensors")
    assert caught.value.errno == 28


def test_other_faults_stay_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise SafetensorError("InvalidHeader")

    monkeypatch.setattr(tensor_files, "save_file", refuse)
    with pytest.raises(SafetensorError, match="InvalidHeader"):
        save_tensors({}, Path("a"))
