"""The room of `benchmark_predictions`: what it is, and how it is made."""
