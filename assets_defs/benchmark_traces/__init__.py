"""What must be true of `benchmark_traces` before anybody quotes it."""
