"""The room of `benchmark_traces`: what it is, how it is made, what must be true of it."""
