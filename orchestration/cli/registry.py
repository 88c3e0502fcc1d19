"""`mu0 promote`: register models and move `champion` when every gate passes."""

import typer


def promote_models(*, dry_run: bool) -> None:
    """Promote the world model and the action expert, and print what happened gate by gate.

    Raises:
        PromotionError: A gate refused; nothing was moved for that model.
    """
    from orchestration.promotion.promotion import promote

    typer.echo(promote(dry_run=dry_run).describe())
