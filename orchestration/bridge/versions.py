"""Code versions: one hash over everything a result depends on besides its input data.

`code_version_now` looks at the files as they are, `code_version_locked` at what DVC recorded. They
differ exactly
when `dvc status` reports changed code dependencies, a changed command or changed params.
"""

import hashlib
import json
from typing import Any

from assets_defs.dvc_state import md5_of
from assets_defs.graph import Stage
from orchestration.bridge.lock import PARAMS_FILE, LockedStage, read_yaml
from orchestration.bridge.project import Project


def code_version_now(stage: Stage, project: Project) -> str:
    """Hash of command, code and params as they are on disk."""
    params = read_yaml(project.root / PARAMS_FILE)
    code = {path: md5_of(project.root / path) for path in stage.code}
    return _hash(stage.command, code, {name: _entry(params, name) for name in stage.params})


def code_version_locked(stage: Stage, locked: LockedStage) -> str:
    """Hash of command, code and params as DVC recorded them."""
    code = {path: locked.dependency_md5.get(path) for path in stage.code}
    return _hash(locked.command, code, {name: locked.params.get(name) for name in stage.params})


def _entry(params: dict[str, Any], name: str) -> Any:
    """A section, or `section.key`."""
    found: Any = params
    for key in name.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _hash(command: str, code: dict[str, str | None], params: dict[str, Any]) -> str:
    text = json.dumps([command, code, params], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
