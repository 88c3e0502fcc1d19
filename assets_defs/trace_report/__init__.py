"""What must be true of `trace_report` before anything may use it."""
