"""Which build of torch an install asks for, with a uv and a driver of our own making."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "torch_backend.sh"
CPU_BUILD = "torch==2.13.0+cpu\nsympy==1.14.0"
CUDA_BUILD = "torch==2.13.0\nnvidia-cublas==13.1\nnvidia-cudnn-cu13==9.19"
UV = """#!/bin/sh
echo "retries=${UV_HTTP_RETRIES:-default} $*" >>"$CALLS"
case $* in
*--torch-backend*)
    [ -z "$UNREACHABLE" ] || { printf 'error: Failed to fetch\\n  cause: no route to host\\n'; exit 2; }
    echo torch==2.13.0+cpu ;;
*) printf '%s\\n' "$PLAIN" ;;
esac
"""


class Machine:
    """A folder with the commands that the script calls, and what they answer."""

    def __init__(self, folder: Path) -> None:
        self.calls = folder / "calls"
        self._uv = folder / "my uv"
        self._driver = folder / "driver"
        for path, text in ((self._uv, UV), (folder / "nvidia-smi", "#!/bin/sh\nexit 9\n")):
            path.write_text(text)
            path.chmod(0o755)
        self._environment = {
            "PATH": f"{folder}{os.pathsep}{os.defpath}",
            "CALLS": str(self.calls),
            "NVIDIA_DRIVER_FILE": str(self._driver),
            "UNREACHABLE": "",
            "PLAIN": CUDA_BUILD,
        }

    def with_nvidia(self) -> None:
        self._driver.write_text("NVRM version: 580.95.05\n")

    def ask(self, **environment: str) -> tuple[str, str]:
        """The answer, and what was said about it."""
        done = subprocess.run(
            ["sh", str(SCRIPT), str(self._uv), "python", "constraints.txt"],
            env=self._environment | environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip(), done.stderr


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_without_nvidia_it_is_the_cpu_build(machine: Machine) -> None:
    answer, said = machine.ask()
    assert answer == "cpu"
    assert "no NVIDIA driver" in said
    assert "--torch-backend cpu" in machine.calls.read_text()


def test_with_nvidia_uv_finds_the_build_that_fits_the_driver(machine: Machine) -> None:
    machine.with_nvidia()
    answer, said = machine.ask()
    assert answer == "auto"
    assert "3 GB to download" in said


@pytest.mark.parametrize("asked", ["cpu", "cu128", "plain"])
def test_what_the_user_asks_for_is_not_questioned(machine: Machine, asked: str) -> None:
    machine.with_nvidia()
    answer, said = machine.ask(TORCH_BACKEND=asked, UNREACHABLE="1")
    assert answer == asked
    assert "as TORCH_BACKEND asks" in said
    assert not machine.calls.exists()


def test_an_index_out_of_reach_is_asked_once_and_the_reason_told(machine: Machine) -> None:
    answer, said = machine.ask(UNREACHABLE="1")
    assert answer == "plain"
    assert "no route to host" in said
    asked = [call for call in machine.calls.read_text().splitlines() if "--torch-backend" in call]
    assert [call.split()[0] for call in asked] == ["retries=0"]


@pytest.mark.parametrize(
    ("plain", "nvidia", "told"),
    [
        (CUDA_BUILD, False, "nothing here can use it"),
        (CPU_BUILD, False, "without CUDA: torch==2.13.0+cpu"),
        (CUDA_BUILD, True, "brings CUDA"),
    ],
)
def test_the_plain_index_is_said_to_bring_cuda_only_if_it_does(
    machine: Machine, plain: str, nvidia: bool, told: str
) -> None:
    if nvidia:
        machine.with_nvidia()
    answer, said = machine.ask(UNREACHABLE="1", PLAIN=plain)
    assert answer == "plain"
    assert told in said
    assert ("brings CUDA" in said) == (plain == CUDA_BUILD)
    assert ("nothing here can use it" in said) == (plain == CUDA_BUILD and not nvidia)
