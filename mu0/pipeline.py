"""The only stage graph. `dvc.yaml` is rendered from it and the Dagster assets are built from it.

A stage is one command that turns artifacts into artifacts. A *check stage* reads one artifact and writes a
JSON report; everyone who consumes the artifact also depends on that report, so bad data stops the chain in
DVC exactly as a blocking asset check stops it in Dagster.
"""

from dataclasses import dataclass
from functools import cached_property

CORE = ("mu0/errors.py", "mu0/files.py", "mu0/params", "mu0/progress.py", "mu0/stages/entry.py")


@dataclass(frozen=True)
class Artifact:
    """A named output of a stage: an asset in Dagster, an `out` in DVC."""

    name: str
    path: str
    group: str
    description: str
    kinds: tuple[str, ...] = ()
    contents: str | None = None  # a file inside that changes with every byte of the rest

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


def _data(name: str, group: str, description: str, kind: str, contents: str | None = None) -> Artifact:
    return Artifact(name, f"data/{name}", group, description, (kind,), contents)


def _report(folder: str, description: str, name: str = "") -> Artifact:
    return Artifact(name or folder, f"reports/{folder}", "reports", description, ("report",))


def _model(name: str, group: str, description: str) -> Artifact:
    return Artifact(name, f"models/{name}", group, description, ("torch",))


def _stage(name: str, code: tuple[str, ...], **rest: object) -> Stage:
    arguments = rest.pop("arguments", "")
    module = rest.pop("module", name)
    command = f"python -m mu0.stages.{module} {arguments}".strip()
    return Stage(name, command, (*CORE, f"mu0/stages/{module}.py", *code), **rest)  # type: ignore[arg-type]


def _check(artifact: str, *params: str) -> Stage:
    return Stage(
        name=f"check_{artifact}",
        command=f"python -m assets_defs.checks {artifact}",
        code=(*CORE, "assets_defs/checks", f"assets_defs/{artifact}"),
        inputs=(artifact,),
        params=("checks", *params),
        checks=artifact,
        report=f"reports/checks/{artifact}.json",
    )


SHARED = ("mu0/records.py", "mu0/interfaces.py")
EPISODES = ("mu0/episodes", "mu0/geometry")
MODEL = (*SHARED, *EPISODES, "mu0/dataset", "mu0/model")
TRACKING = ("mu0/tracking_run.py", "mu0/tracking_models.py", "mu0/dvc_state.py")
TRAIN = ("mu0/training", *TRACKING)
SIMULATION = ("mu0/envs", "mu0/sources", "mu0/geometry")


TRUTH_DESCRIPTION = "Exact tracks of the simulated clips; only audits may read them."
DATASET_DESCRIPTION = "index.parquet with splits by scene, and normalizer_stats.json."
VARIANTS = ("mu0", "no_trace")
SHOWN_IN_THE_REPORT = (
    "raw_videos", "extracted_traces", "captions", "trace_dataset", "world_model", "trace_audit",
    "trace_report", "demonstrations", "action_expert_ur3_mu0", "action_expert_ur3_no_trace", "ur3_report",
)  # fmt: skip


def _action_experts(embodiment: str) -> Stage:
    name = f"action_expert_{embodiment}"
    names = {f"{name}_{variant}": variant for variant in VARIANTS}
    return _stage(
        name,
        (*MODEL, *TRAIN, "mu0/policy", "mu0/sources"),
        module="action_expert",
        arguments=f"--embodiment {embodiment}",
        inputs=("demonstrations", "world_model"),
        params=("action_expert",),
        outputs=tuple(
            _model(each, "policy", f"Action expert, variant {variant}.") for each, variant in names.items()
        ),
        metrics=tuple(f"reports/training/{each}.json" for each in names),
        plots=tuple((f"reports/training/{each}.csv", "step", "loss") for each in names),
    )


STAGES: tuple[Stage, ...] = (
    _stage(
        "raw_videos",
        (*SHARED, *SIMULATION),
        external=("data/videos",),
        params=("raw_videos",),
        outputs=(
            _data(
                "raw_videos",
                "videos",
                "Clips by source: video, 16-bit depth, cameras, robot states where there are any.",
                "video",
                contents="contents.json",
            ),
            _data("ground_truth_tracks", "videos", TRUTH_DESCRIPTION, "numpy"),
        ),
    ),
    _check("raw_videos"),
    _stage(
        "extracted_traces",
        (*SHARED, *EPISODES, "mu0/sources", "mu0/traceextract"),
        inputs=("raw_videos",),
        params=("extract",),
        outputs=(
            _data(
                "extracted_traces",
                "traces",
                "One TraceExtract episode per clip, and quality.parquet with one row per clip.",
                "numpy",
                contents="contents.json",
            ),
        ),
        metrics=("reports/extraction/metrics.json",),
    ),
    _check("extracted_traces"),
    _stage(
        "trace_audit",
        (*SHARED, *EPISODES, "mu0/sources", "mu0/traceextract", "mu0/evaluation"),
        inputs=("extracted_traces", "ground_truth_tracks"),
        params=("trace_audit",),
        outputs=(_report("trace_audit", "Extracted traces of the simulated clips against exact truth."),),
        metrics=("reports/trace_audit_metrics.json",),
    ),
    _stage(
        "captions",
        (*SHARED, *EPISODES, "mu0/traceextract"),
        inputs=("extracted_traces",),
        params=("captions",),
        outputs=(
            _data(
                "captions",
                "traces",
                "captions.parquet and curated_training_texts.json per episode.",
                "parquet",
                contents="contents.json",
            ),
        ),
    ),
    _check("captions"),
    _stage(
        "trace_dataset",
        (*SHARED, *EPISODES, "mu0/dataset"),
        inputs=("extracted_traces", "captions"),
        params=("trace_dataset",),
        outputs=(_data("trace_dataset", "traces", DATASET_DESCRIPTION, "parquet"),),
    ),
    _check("trace_dataset"),
    _stage(
        "world_model",
        (*MODEL, *TRAIN),
        inputs=("trace_dataset", "extracted_traces", "captions"),
        params=("world_model",),
        outputs=(_model("world_model", "world_model", "μ0: weights, config, statistics and tokenizer."),),
        metrics=("reports/training/world_model.json",),
        plots=(("reports/training/world_model.csv", "step", "loss"),),
    ),
    _check("world_model"),
    _stage(
        "trace_report",
        (*MODEL, "mu0/baselines", "mu0/evaluation", "mu0/viewer", *TRACKING),
        inputs=("world_model", "trace_dataset", "extracted_traces", "captions"),
        params=("trace_report", "trace_dataset"),
        outputs=(_report("trace_report", "μ0 and its baselines on held-out episodes, with intervals."),),
        metrics=("reports/trace_report_metrics.json",),
    ),
    _check("trace_report", "trace_report"),
    _stage(
        "demonstrations",
        (*SHARED, *SIMULATION),
        inputs=("raw_videos",),
        params=("demonstrations",),
        outputs=(_data("demonstrations", "policy", "UR3 demonstrations, LeRobotDataset v3.0.", "parquet"),),
    ),
    _check("demonstrations"),
    _action_experts("ur3"),
    _stage(
        "ur3_report",
        (*MODEL, *SIMULATION, "mu0/policy", "mu0/evaluation", *TRACKING),
        inputs=("action_expert_ur3_mu0", "action_expert_ur3_no_trace", "world_model"),
        params=("ur3_report",),
        outputs=(_report("ur3_report", "Closed-loop rollouts in the simulator, all variants, equal seeds."),),
        metrics=("reports/ur3_report_metrics.json",),
    ),
    _check("ur3_report", "ur3_report"),
    _stage(
        "report",
        (*SHARED, *EPISODES, "mu0/viewer", "mu0/pipeline.py"),
        inputs=SHOWN_IN_THE_REPORT,
        outputs=(
            _report("mu0_report", "One HTML page: the chain with numbers, 3D traces, rollouts.", "report"),
        ),
    ),
)


class Pipeline:
    """Look-ups over stages; the project's own by default, a miniature one in tests.

    Args:
        stages: In the order of the chain.
        dvc_yaml: The file that is rendered from them, relative to the project.
        upstream: Another pipeline whose artifacts these stages read.
    """

    def __init__(
        self,
        stages: tuple[Stage, ...] = STAGES,
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
        """What `stage` depends on for the sake of `artifact`: a check reads all of it, others its witness."""
        return artifact.path if stage.checks else artifact.witness


PIPELINE = Pipeline()
