"""What must be true of `trace_dataset` before anything may use it."""
