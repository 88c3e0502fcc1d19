"""`mu0 learn`: a folder of anyone's demonstrations -> a policy, and its errors in episodes it never saw."""

import logging
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from mu0.cli.place import place_for
from mu0.errors import ParamsError

if TYPE_CHECKING:
    from mu0.params.action_expert import ActionExpertParams
    from mu0.policy.embodiment import Embodiment
    from mu0.policy.own_robot.reading import OwnDataset
    from mu0.policy.own_robot.training import OwnVariant, Prepared

STEPS = 2000
SECTION = "action_expert"
REASONS_SHOWN = 5


def learn(
    folder: Annotated[
        Path | None,
        typer.Argument(help="A LeRobotDataset; none: action_expert.demonstrations of params.yaml."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where policy and report go.")] = Path("models/my_policy"),
    variant: Annotated[
        str,
        typer.Option(
            help="stems: all cameras through encoders that are trained here, needs no world model; mu0: the "
            "main camera through the frozen world model, with its traces; no_trace: without them. Empty: mu0 "
            "with --world-model, else stems."
        ),
    ] = "",
    world_model: Annotated[
        Path | None, typer.Option(help="A trained μ0, such as models/world_model.")
    ] = None,
    steps: Annotated[int, typer.Option(min=0, help="Of training; 0: params.yaml, else 2000.")] = 0,
    chunk: Annotated[int, typer.Option(min=0, help="Commands per plan; 0: params.yaml, else 16.")] = 0,
    camera: Annotated[
        list[str] | None, typer.Option(help="A camera to look through, the main one first; repeat. All.")
    ] = None,
    embodiment: Annotated[
        Path | None, typer.Option(help="What the numbers mean, corrected from --describe.")
    ] = None,
    held_out: Annotated[float, typer.Option(min=0.0, max=0.9, help="Share of held-out episodes.")] = 0.1,
    seed: Annotated[int, typer.Option(min=-1, max=2**31 - 1, help="Of everything; -1: params.yaml.")] = -1,
    describe: Annotated[bool, typer.Option("--describe", help="Only print the embodiment as JSON.")] = False,
    cache: Annotated[Path, typer.Option(help="Decoded pictures and unfinished trainings.")] = Path(
        ".mu0_cache"
    ),
    params: Annotated[
        Path | None, typer.Option("--params", help="A file with params; params.yaml where there is one.")
    ] = None,
) -> None:
    """Learn a policy from demonstrations of any robot, and measure it on held-out episodes."""
    section = _section(params, {"steps": steps, "chunk_len": chunk}, seed)
    chosen = _chosen_variant(variant, world_model)
    source = folder or (Path(section.demonstrations) if section.demonstrations else None)
    if source is None:
        raise ParamsError(
            "No demonstrations were named.",
            expected="the folder of a LeRobotDataset",
            remedy="run `mu0 learn FOLDER`, or set action_expert.demonstrations in params.yaml.",
        )
    from mu0.policy.own_robot.reading import read_own_dataset

    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("mu0").setLevel(logging.INFO)
    dataset = read_own_dataset(source, camera or (), section.n_demonstrations)
    _tell_unusable(dataset.unusable)
    if describe:
        _describe(dataset)
        return
    _run(dataset, out, chosen, world_model, section, held_out, embodiment, cache)


def _run(
    dataset: "OwnDataset",
    out: Path,
    variant: "OwnVariant",
    world_model: Path | None,
    params: "ActionExpertParams",
    held_out: float,
    embodiment: Path | None,
    cache: Path,
) -> None:
    from mu0.evaluation.policies.action_scores import score_actions
    from mu0.evaluation.policies.held_out_actions import plan_held_out, training_spread
    from mu0.files import write_json
    from mu0.policy.embodiment import read_embodiment
    from mu0.policy.expert_record import write_expert_record
    from mu0.policy.own_robot.training import learn as train
    from mu0.policy.own_robot.training import prepare
    from mu0.policy.trace_conditioned_policy import TraceConditionedPolicy
    from mu0.policy.train_action_expert import Paths
    from mu0.viewer.action_report import write_action_page

    known = None if embodiment is None else read_embodiment(embodiment)
    # stems look at no world model: what stands in its place is never read
    paths = Paths(dataset.layout.root, world_model or out, out, cache)
    with place_for(out.parent):
        prepared = prepare(dataset, paths, params, variant, held_out, known)
        _tell_unusable(
            {name: why for name, why in prepared.dataset.unusable.items() if name not in dataset.unusable}
        )
        typer.echo(_summary(prepared.embodiment))
        fitted, meta = train(prepared, paths, params)
    policy = TraceConditionedPolicy.load(out, world_model)
    windows = plan_held_out(policy, prepared, params.chunk_len, params.seed)
    scores = score_actions(windows, prepared.embodiment, training_spread(prepared))
    write_expert_record(out, "training", fitted, meta, params.steps)
    report = _report(prepared, params, meta, fitted.seconds) | {"held_out": scores}
    write_json(out / "report.json", report)
    write_action_page(out / "report.html", report)
    _tell(out, scores)


def _section(params: Path | None, changes: dict[str, int], seed: int) -> "ActionExpertParams":
    """The section of the params file, or its defaults, with what the options change."""
    from mu0.cli.sections import find_section
    from mu0.params.action_expert import ActionExpertParams

    found = find_section(params, SECTION, ActionExpertParams) or ActionExpertParams(steps=STEPS)
    given: dict[str, Any] = {key: value for key, value in changes.items() if value}
    return found.model_copy(update=given | ({"seed": seed} if seed >= 0 else {}))


def _chosen_variant(variant: str, world_model: Path | None) -> "OwnVariant":
    known = ("stems", "mu0", "no_trace")
    chosen = variant or ("stems" if world_model is None else "mu0")
    if chosen not in known:
        raise ParamsError(
            f"There is no variant {chosen!r} for a robot of one's own.",
            expected=f"one of {', '.join(known)}",
            remedy="the others need our arm: its places in metres, or its simulator.",
        )
    if (chosen == "stems") != (world_model is None):
        raise ParamsError(
            f"The variant is {chosen}, and --world-model is {world_model or 'not given'}.",
            expected="a world model for mu0 and no_trace, and none for stems",
            remedy="add --world-model models/world_model, or leave it out.",
        )
    return cast("OwnVariant", chosen)


def _tell_unusable(unusable: dict[str, str]) -> None:
    """Every reason once, with the first episodes that have it; the report has all of them."""
    if not unusable:
        return
    typer.echo(f"{len(unusable)} episodes cannot be used:", err=True)
    for name, why in list(unusable.items())[:REASONS_SHOWN]:
        typer.echo(f"  {name}: {why}", err=True)
    if len(unusable) > REASONS_SHOWN:
        typer.echo(f"  and {len(unusable) - REASONS_SHOWN} more, all of them in report.json", err=True)


def _describe(dataset: "OwnDataset") -> None:
    import json

    from mu0.policy.own_robot.held_out import require_usable
    from mu0.policy.own_robot.recognition import recognise

    require_usable(dataset.lengths)
    typer.echo(json.dumps(asdict(recognise(dataset.layout, dataset.episodes, dataset.cameras)), indent=2))


def _summary(robot: "Embodiment") -> str:
    kinds = {kind: robot.action_kinds.count(kind) for kind in dict.fromkeys(robot.action_kinds)}
    grippers = ", ".join(robot.action_names[i] for i in robot.grippers) or "none"
    return (
        f"{robot.name}: {robot.state_dim} states, {robot.action_dim} actions "
        f"({', '.join(f'{count} {kind}' for kind, count in kinds.items())}), grippers: {grippers}, "
        f"{robot.rate_hz:g} Hz, cameras: {', '.join(robot.cameras)}"
    )


def _report(
    prepared: "Prepared", params: "ActionExpertParams", meta: dict[str, Any], seconds: float
) -> dict[str, Any]:
    dataset = prepared.dataset
    return {
        "variant": prepared.variant,
        "embodiment": asdict(prepared.embodiment),
        "params": params.model_dump(),
        "data": {
            "folder": str(dataset.layout.root),
            "n_usable": len(dataset.episodes),
            "unusable": dataset.unusable,
            "n_train_rows": meta["n_frames"],
            "held_out": prepared.split.how,
            "held_out_episodes": [
                dataset.episodes[one.episode].episode.name for one in prepared.split.held_out
            ],
        },
        "training": {"steps": params.steps, "seconds": seconds, "n_parameters": meta["n_parameters"]},
    }


def _tell(out: Path, scores: dict[str, Any]) -> None:
    from mu0.cli.tables import print_table

    rows = [
        (name, *(f"{row[method]['mean']:.4g}" for method in ("policy", "hold", "mean_chunk")))
        for name, row in {"all, in spreads": scores["in_spreads"], **scores["per_dimension"]}.items()
    ]
    print_table(("mean absolute error, held out", "policy", "hold", "mean chunk"), rows)
    if scores["n_episodes"] < 2:
        typer.echo("One held-out episode: no intervals, and nothing is said about other recordings.")
    typer.echo(f"{out}: policy, report.json, report.html")


def register(app: typer.Typer, people_errors: Callable[[Callable[..., None]], Callable[..., None]]) -> None:
    """Add the command to the application."""
    app.command()(people_errors(learn))
