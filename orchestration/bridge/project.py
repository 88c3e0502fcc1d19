"""A pipeline and the folder it lives in."""

from dataclasses import dataclass
from pathlib import Path

from assets_defs.chain import PIPELINE
from assets_defs.graph import Pipeline, Stage


@dataclass(frozen=True)
class Project:
    """What the bridge works on; tests pass a miniature one."""

    root: Path
    pipeline: Pipeline = PIPELINE

    def external_assets(self) -> dict[str, str]:
        """Asset name -> path of everything that people fill by hand, such as `videos` -> `data/videos`."""
        paths = [path for stage in self.pipeline.all_stages for path in stage.external]
        return {Path(path).name: path for path in paths}

    def input_paths(self, stage: Stage) -> dict[str, str]:
        """Asset name -> path of all inputs of a stage, external ones included."""
        artifacts = {name: self.pipeline.artifacts[name].path for name in stage.inputs}
        return artifacts | {Path(path).name: path for path in stage.external}


def project_here(pipeline: Pipeline = PIPELINE) -> Project:
    """The project in the current folder, or else the checkout that holds this file."""
    here = Path.cwd()
    checkout = Path(__file__).resolve().parents[2]
    return Project(here if (here / "params.yaml").is_file() else checkout, pipeline)
