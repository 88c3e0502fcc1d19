"""What a stage graph is made of: artifacts, stages, and look-ups over them. It knows no project.

A stage is one command that turns artifacts into artifacts. A *check stage* reads one artifact and writes a
JSON report; everyone who consumes the artifact also depends on that report, so bad data stops the chain in
DVC exactly as a blocking asset check stops it in Dagster.
"""

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Artifact:
    """A named output of a stage: an asset in Dagster, an `out` in DVC."""

    name: str
    path: str
    group: str
    description: str
    kinds: tuple[str, ...] = ()
    contents: str | None = None  # a file inside that changes with every byte of the rest
    owners: tuple[str, ...] = ()  # whom to ask: `team:name`, or an address

    @property
    def witness(self) -> str:
        """The path that consumers depend on: `contents`, or everything.

        DVC looks at every file of a folder for every stage that depends on it: thousands cost seconds.
        """
        return f"{self.path}/{self.contents}" if self.contents else self.path


@dataclass(frozen=True)
class Stage:
    """One command with everything that its result depends on."""

    name: str
    command: str
    code: tuple[str, ...]
    inputs: tuple[str, ...] = ()  # names of artifacts
    external: tuple[str, ...] = ()  # paths that people fill, such as data/videos
    params: tuple[str, ...] = ()  # sections of params.yaml, or single entries such as `section.key`
    outputs: tuple[Artifact, ...] = ()
    metrics: tuple[str, ...] = ()  # JSON files beside the outputs, kept in git's view, not in the cache
    plots: tuple[tuple[str, str, str], ...] = ()  # (csv, x column, y column)
    checks: str | None = None  # the artifact that this stage validates
    report: str | None = None  # where a check stage writes its verdict


class Pipeline:
    """Look-ups over stages: those of the project, or a miniature in tests.

    Args:
        stages: In the order of the chain.
        dvc_yaml: The file that is rendered from them, relative to the project.
        upstream: Another pipeline whose artifacts these stages read.
    """

    def __init__(
        self,
        stages: tuple[Stage, ...],
        dvc_yaml: str = "dvc.yaml",
        upstream: "Pipeline | None" = None,
    ) -> None:
        self.all_stages, self.dvc_yaml, self.upstream = stages, dvc_yaml, upstream

    @cached_property
    def artifacts(self) -> dict[str, Artifact]:
        """Artifacts by name, those of `upstream` included."""
        return {artifact.name: artifact for stage in self._known_stages for artifact in stage.outputs}

    @cached_property
    def stages(self) -> dict[str, Stage]:
        """Own stages by name, in the order of the chain."""
        return {stage.name: stage for stage in self.all_stages}

    @cached_property
    def producer_of(self) -> dict[str, Stage]:
        """The stage that writes an artifact, in `upstream` too."""
        return {artifact.name: stage for stage in self._known_stages for artifact in stage.outputs}

    @cached_property
    def check_of(self) -> dict[str, Stage]:
        """The check stage of an artifact, where there is one, in `upstream` too."""
        return {stage.checks: stage for stage in self._known_stages if stage.checks}

    @property
    def _known_stages(self) -> tuple[Stage, ...]:
        return (*(self.upstream.all_stages if self.upstream else ()), *self.all_stages)

    def address(self, stage: Stage) -> str:
        """How DVC calls an own stage."""
        return f"{self.dvc_yaml}:{stage.name}"

    def gates(self, stage: Stage) -> tuple[str, ...]:
        """Reports that must have been written, which only passed checks do, before `stage` may run."""
        if stage.checks:
            return ()
        checks = [self.check_of[name] for name in stage.inputs if name in self.check_of]
        return tuple(check.report for check in checks if check.report)

    def dependencies(self, stage: Stage) -> tuple[str, ...]:
        """Every path that `stage` depends on: code, inputs, and the passed reports of its inputs."""
        inputs = [self.input_path(stage, self.artifacts[name]) for name in stage.inputs]
        return tuple(sorted({*stage.code, *stage.external, *inputs, *self.gates(stage)}))

    def input_path(self, stage: Stage, artifact: Artifact) -> str:
        """What `stage` depends on for the sake of `artifact`: a check on all, others on a witness."""
        return artifact.path if stage.checks == artifact.name else artifact.witness
