"""Jobs, the schedule, and promotion as a job of its own (the registry is no part of DVC's graph)."""

import dagster as dg

from assets_defs.benchmark_parts import GROUP

data_engine = dg.define_asset_job(
    "data_engine",
    dg.AssetSelection.groups("videos", "traces"),
    description="Videos -> traces -> captions -> trace dataset.",
    executor_def=dg.in_process_executor,
)
world_model = dg.define_asset_job(
    "world_model",
    dg.AssetSelection.assets("world_model", "trace_report"),
    description="Train μ0 and measure it against its baselines.",
    executor_def=dg.in_process_executor,
)
policy = dg.define_asset_job(
    "policy",
    dg.AssetSelection.groups("policy") | dg.AssetSelection.assets("ur3_report"),
    description="Demonstrations -> action experts -> rollouts.",
    executor_def=dg.in_process_executor,
)


class PromotionConfig(dg.Config):
    """Options of the promotion job."""

    dry_run: bool = False


@dg.op
def promote_models(context: dg.OpExecutionContext, config: PromotionConfig) -> None:
    """Register what was trained as `challenger`; move `champion` when every gate passes."""
    from mu0.errors import PromotionError, StageError
    from orchestration.promotion.promotion import promote

    try:
        outcome = promote(dry_run=config.dry_run)
    except (PromotionError, StageError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    context.log.info(outcome.describe())


@dg.job(description="Registry: challenger -> gates -> champion, the old one stays as previous.")
def promotion() -> None:
    """Promote what passed."""
    promote_models()


class RollbackConfig(dg.Config):
    """Options of the rollback job."""

    model: str = ""  # all models when empty
    reason: str = ""
    dry_run: bool = False


@dg.op
def roll_models_back(context: dg.OpExecutionContext, config: RollbackConfig) -> None:
    """Swap `champion` and `previous` after the files of the one that comes back were verified."""
    from pathlib import Path

    from mu0.errors import PromotionError, StageError
    from orchestration.promotion.promotion import registered_names
    from orchestration.promotion.rollback import rollback as roll_back

    root = Path()
    try:
        names = registered_names(root, config.model or None)
        outcome = roll_back(names, root, dry_run=config.dry_run, reason=config.reason)
    except (PromotionError, StageError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    context.log.info(outcome.describe())


@dg.job(description="Registry: champion and previous change places; again brings the newer one back.")
def rollback() -> None:
    """Go back to the previous champions."""
    roll_models_back()


nightly = dg.ScheduleDefinition(
    name="nightly",
    target=dg.AssetSelection.all() - dg.AssetSelection.groups(GROUP),
    cron_schedule="0 2 * * *",
    description="Everything that changed, at night. Off until you switch it on.",
)
