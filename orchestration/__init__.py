"""Dagster's side of mu0: the bridge to DVC, jobs, a schedule, a sensor. Enter by `definitions.py`."""
