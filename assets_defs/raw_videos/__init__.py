"""What must be true of `raw_videos` before anything may use it."""
