"""The second stage graph: the trace benchmark, rendered into `benchmarks/traces/dvc.yaml`.

It reads the data of the main chain and trains every method of the matrix anew for the same wall-clock time,
so plain `dvc repro` in the project's root leaves it alone; `mu0 benchmark traces` runs it. One stage trains
a method, one asks it all questions, one compares the answers: a method that changes costs itself only.

    unseen_clips ─────────────┐
    benchmark_model@NAME ─────┼─ benchmark_predictions@NAME ── benchmark_traces ── check
    tracegen, token_vlm ──────┘
    warm_up_study                 few demonstrations, from pretrained against from scratch
"""

from mu0.pipeline import (
    CORE,
    EPISODES,
    MODEL,
    PIPELINE,
    SHARED,
    SIMULATION,
    STAGES,
    TRACKING,
    TRAIN,
    Artifact,
    Pipeline,
    Stage,
)

DVC_YAML = "benchmarks/traces/dvc.yaml"
GROUP = "benchmark_traces"
DATA = ("trace_dataset", "extracted_traces", "captions")
VARIANTS_OF_MU0 = (
    "mu0",
    "raw_waypoints",
    "no_features",
    "no_rigidity",
    "no_history",
    "no_depth",
    "anchor_depth",
)
RIVALS = ("tracegen", "token_vlm")
UNTRAINED = ("mu0_history", "static", "constant_velocity")
WEIGHTS_OF = {"mu0_history": "mu0"}  # methods that ask another one's checkpoint
METHODS = (*VARIANTS_OF_MU0, *RIVALS, *UNTRAINED)


def _stage(name: str, module: str, arguments: str, code: tuple[str, ...], **rest: object) -> Stage:
    command = f"python -m mu0.stages.{module} {arguments}".strip()
    return Stage(name, command, (*CORE, f"mu0/stages/{module}.py", *code), **rest)  # type: ignore[arg-type]


def model_folder(method: str) -> str:
    """Where the checkpoint of a trained method lies."""
    return f"models/{method}" if method in RIVALS else f"models/benchmark/{method}"


def _trained(method: str) -> Artifact:
    name = method if method in RIVALS else f"benchmark_model_{method}"
    return Artifact(name, model_folder(method), GROUP, f"Weights of {method}, equal wall-clock.", ("torch",))


def _train_variant(method: str) -> Stage:
    return _stage(
        f"benchmark_model_{method}",
        "benchmark_model",
        method,
        (*MODEL, *TRAIN),
        inputs=DATA,
        params=("benchmark.train_s", "world_model"),
        outputs=(_trained(method),),
        metrics=(f"reports/benchmark_training/{method}.json",),
        plots=((f"reports/benchmark_training/{method}.csv", "step", "loss"),),
    )


def _train_rival(method: str) -> Stage:
    return _stage(
        method,
        method,
        "",
        (*MODEL, *TRAIN, f"mu0/baselines/{method}", "mu0/stages/rival_training.py"),
        inputs=DATA,
        params=("benchmark.train_s", method),
        outputs=(_trained(method),),
        metrics=(f"reports/training/{method}.json",),
        plots=((f"reports/training/{method}.csv", "step", "loss"),),
    )


def _predict(method: str) -> Stage:
    weights = WEIGHTS_OF.get(method, method)
    trained = () if weights in UNTRAINED else (_trained(weights).name,)
    return _stage(
        f"benchmark_predictions_{method}",
        "benchmark_predictions",
        method,
        (*MODEL, "mu0/baselines", "mu0/evaluation", *TRACKING),
        inputs=(*DATA, "unseen_clips", *trained),
        params=("benchmark", "trace_dataset"),
        outputs=(
            Artifact(
                f"benchmark_predictions_{method}",
                f"data/benchmark/predictions/{method}",
                GROUP,
                f"Answers of {method} to every question, and how long each took.",
                ("numpy",),
            ),
        ),
    )


BENCHMARK_STAGES: tuple[Stage, ...] = (
    _stage(
        "unseen_clips",
        "unseen_clips",
        "",
        (*SHARED, *EPISODES, *SIMULATION, "mu0/traceextract", "mu0/dataset"),
        params=("benchmark", "extract", "captions", "trace_dataset"),
        outputs=(
            Artifact(
                "unseen_clips",
                "data/benchmark/unseen",
                GROUP,
                "Episodes with objects and camera motion that no training shows.",
                ("numpy",),
                contents="contents.json",
            ),
        ),
    ),
    *(_train_variant(method) for method in VARIANTS_OF_MU0),
    *(_train_rival(method) for method in RIVALS),
    *(_predict(method) for method in METHODS),
    _stage(
        "benchmark_traces",
        "benchmark_traces",
        "",
        (*MODEL, "mu0/evaluation", "mu0/viewer", *TRACKING),
        inputs=(*DATA, "unseen_clips", *(f"benchmark_predictions_{method}" for method in METHODS)),
        params=("benchmark", "trace_dataset"),
        outputs=(
            Artifact(
                "benchmark_traces",
                "reports/benchmark_traces",
                GROUP,
                "Every method on the same questions: tables, figures, panels, paired intervals.",
                ("report",),
            ),
        ),
        metrics=("reports/benchmark_traces_metrics.json",),
    ),
    Stage(
        "check_benchmark_traces",
        "python -m assets_defs.checks benchmark_traces",
        (
            *CORE,
            "assets_defs/checks",
            "assets_defs/benchmark_traces",
            "mu0/pipeline.py",
            "mu0/pipeline_benchmark.py",
        ),
        inputs=("benchmark_traces",),
        params=("checks", "benchmark"),
        checks="benchmark_traces",
        report="reports/checks/benchmark_traces.json",
    ),
    _stage(
        "warm_up_study",
        "warm_up_study",
        "",
        (*MODEL, *TRAIN, "mu0/baselines", "mu0/evaluation", "mu0/viewer"),
        inputs=DATA,
        params=("benchmark", "world_model", "tracegen", "trace_dataset"),
        outputs=(
            Artifact(
                "warm_up_study",
                "reports/warm_up_study",
                GROUP,
                "A few demonstrations of a new embodiment, from pretrained against from scratch.",
                ("report",),
            ),
        ),
        metrics=("reports/warm_up_study_metrics.json",),
    ),
)

BENCHMARK = Pipeline(BENCHMARK_STAGES, dvc_yaml=DVC_YAML, upstream=PIPELINE)
PIPELINES = (PIPELINE, BENCHMARK)
EVERY_STAGE = (*STAGES, *BENCHMARK_STAGES)
