"""The room of `benchmark_model`: what it is, and how it is made."""
