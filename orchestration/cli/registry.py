"""`mu0 promote` and `mu0 rollback`: what is champion in the registry, and what was before."""

from pathlib import Path

import typer


def promote_models(*, dry_run: bool) -> None:
    """Promote the world model and the action expert, and print what happened gate by gate.

    Raises:
        PromotionError: A gate refused; nothing was moved for that model.
        StageError: The tracking store failed.
    """
    from orchestration.promotion.promotion import promote

    typer.echo(promote(dry_run=dry_run).describe())


def roll_models_back(model: str | None, *, dry_run: bool, reason: str) -> None:
    """Make the previous champion of one model, or of all, champion again, and print what happened.

    Raises:
        PromotionError: There is no such model, nothing to go back to, or its files are not whole.
        StageError: The tracking store failed.
    """
    from orchestration.promotion.promotion import registered_names
    from orchestration.promotion.rollback import rollback

    root = Path()
    typer.echo(rollback(registered_names(root, model), root, dry_run=dry_run, reason=reason).describe())
