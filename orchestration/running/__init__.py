"""Commands run for people and for Dagster: what was started ends with who started it."""
