"""What must be true of `ur3_report` before anything may use it."""
