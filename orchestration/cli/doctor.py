"""`mu0 doctor`: what this machine can do, what is missing, and how to get it."""

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import typer

GIB = 1 << 30
NEEDED_FREE_GIB = 8
NOTED_CACHE_GIB = 1
MARKS = {
    "ok": ("✓", typer.colors.GREEN),
    "note": ("·", typer.colors.YELLOW),
    "warning": ("!", typer.colors.BRIGHT_RED),
    "missing": ("✗", typer.colors.RED),
}


@dataclass(frozen=True)
class Finding:
    """One line of the examination; `missing` is something that the chain cannot do without."""

    state: str
    what: str
    remedy: str = ""


def examine() -> bool:
    """Print all findings; True when nothing is missing."""
    findings = [finding for look in LOOKS for finding in look()]
    for finding in findings:
        mark, colour = MARKS[finding.state]
        typer.secho(f"{mark} {finding.what}", fg=colour)
        if finding.remedy:
            typer.echo(f"    {finding.remedy}")
    return all(finding.state != "missing" for finding in findings)


def _machine() -> list[Finding]:
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    free_gib = shutil.disk_usage(".").free / GIB
    disk = "ok" if free_gib >= NEEDED_FREE_GIB else "missing"
    remedy = "" if disk == "ok" else f"free {NEEDED_FREE_GIB} GiB: the small profile needs them."
    return [
        Finding(
            "ok", f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, {memory_gib:.0f} GiB memory"
        ),
        Finding(disk, f"{free_gib:.0f} GiB free on this disk", remedy),
    ]


def _caches() -> list[Finding]:
    from orchestration.cli.cache_size import CACHES, bytes_only_in

    there = [str(folder) for folder in CACHES if folder.is_dir()]
    size_gib = bytes_only_in(CACHES) / GIB
    what = f"{size_gib:.1f} GiB are in caches alone, earlier params and code included"
    remedy = f"while nothing runs, `rm -r {' '.join(there)}` frees them; stages make again what they need."
    return [Finding("note", what, remedy)] if size_gib >= NOTED_CACHE_GIB else []


def _packages() -> list[Finding]:
    found = []
    for name in (
        "torch",
        "transformers",
        "dagster",
        "dvc",
        "mlflow",
        "great-expectations",
        "mujoco",
        "opencv-python-headless",
        "av",
    ):
        try:
            found.append(Finding("ok", f"{name} {importlib.metadata.version(name)}"))
        except importlib.metadata.PackageNotFoundError:
            found.append(Finding("missing", f"{name} is not installed", "make install"))
    return found


def _accelerator() -> list[Finding]:
    import torch

    if torch.cuda.is_available():
        return [Finding("ok", f"GPU {torch.cuda.get_device_name(0)}")]
    return [Finding("note", "no GPU: the small profile is made for that; base and paper want one")]


def _rendering() -> list[Finding]:
    from mu0.envs.rendering import RAYCAST_COST, available_renderers
    from mu0.envs.system_libraries import install_command

    found = []
    for renderer in available_renderers():
        state = "ok" if renderer.works else "note"
        found.append(
            Finding(state, f"renderer {renderer.name}{'' if renderer.works else ': ' + renderer.reason}")
        )
    if not any(finding.state == "ok" for finding in found[:-1]):
        what = (
            f"NO GL: simulated videos will be ray-cast, {RAYCAST_COST}; numbers will differ from the README's"
        )
        found.append(Finding("warning", what, install_command()))
    return found


def _project() -> list[Finding]:
    found = []
    for name in ("params.yaml", "dvc.yaml", ".dvc", ".git"):
        there = Path(name).exists()
        found.append(Finding("ok" if there else "missing", f"{name}{'' if there else ' is not here'}"))
    clips = (
        [path for path in Path("data/videos").glob("*") if path.name != "README.md"]
        if Path("data/videos").exists()
        else []
    )
    found.append(Finding("ok" if clips else "note", f"{len(clips)} of your own videos in data/videos"))
    model = Path("models/world_model/model.safetensors").exists()
    found.append(
        Finding(
            "ok" if model else "note",
            "a trained μ0 in models/world_model" if model else "no trained μ0 yet",
            "" if model else "mu0 run",
        )
    )
    return found


def _learned() -> list[Finding]:
    from mu0.traceextract.backends.availability import broken_torchvision, learned_backends

    found, backends = [], learned_backends(Path("models"))
    if fault := broken_torchvision():
        remedy = "pip uninstall torchvision, or install the one that belongs to your torch"
        found.append(Finding("missing", f"torchvision breaks transformers: {fault}", remedy))
    ready = [each.backend for each in backends if not each.lacks]
    lacking = [
        f"{what}: {', '.join(names)}"
        for what in ("code", "weights", "environment")
        if (names := [each.backend for each in backends if each.lacks.startswith(what)])
    ]
    what = f"learned extraction backends ready: {', '.join(ready) or 'none'} (none is needed)"
    remedy = f"not here: {'; '.join(lacking)}. See docs/backends.md" if lacking else ""
    return [*found, Finding("ok" if ready else "note", what, remedy)]


LOOKS: tuple[Callable[[], list[Finding]], ...] = (
    _machine,
    _caches,
    _packages,
    _accelerator,
    _rendering,
    _learned,
    _project,
)
