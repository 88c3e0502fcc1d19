"""Which version of each input a stage read, in Dagster's words: the md5 of the whole artifact.

Where an artifact has a witness (`Artifact.contents`), DVC records the md5 of that one file. Equal witnesses
are equal artifacts, so the stage read the version that is recorded now if it read the witness that is in it.
"""

import json
from pathlib import Path

from assets_defs.dvc_state import md5_of
from assets_defs.graph import Artifact, Stage
from orchestration.bridge.lock import LockedStage
from orchestration.bridge.project import Project

CACHE = Path(".dvc/cache/files/md5")


def input_versions(project: Project, stage: Stage, lock: dict[str, LockedStage]) -> dict[str, str]:
    """Asset name -> version that `stage` read when it last ran; inputs unknown to dvc.lock are left out.

    Where the witness is another one than the recorded artifact's, its own md5 is given: no version of the
    artifact, so that Dagster shows the stage as stale.
    """
    read = lock[stage.name].dependency_md5
    versions = {Path(path).name: read[path] for path in stage.external if path in read}
    for name in stage.inputs:
        artifact = project.pipeline.artifacts[name]
        md5 = read.get(project.pipeline.input_path(stage, artifact))
        producer = lock.get(project.pipeline.producer_of[name].name)
        recorded = producer.output_md5.get(artifact.path) if producer else None
        if md5 and artifact.contents and recorded and md5 == _witness_md5(project.root, artifact, recorded):
            md5 = recorded
        if md5:
            versions[name] = md5
    return versions


def _witness_md5(root: Path, artifact: Artifact, folder_md5: str) -> str | None:
    """From DVC's list of the folder; from the file itself where the cache is elsewhere."""
    listing = root / CACHE / folder_md5[:2] / folder_md5[2:]
    if not listing.is_file():
        return md5_of(root / artifact.witness)
    files = {entry["relpath"]: entry["md5"] for entry in json.loads(listing.read_text())}
    return files.get(artifact.contents)
