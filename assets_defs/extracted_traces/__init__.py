"""What must be true of `extracted_traces` before anything may use it."""
