"""`python -m orchestration.cli`: the same as `mu0`."""

from orchestration.cli.main import app

app()
