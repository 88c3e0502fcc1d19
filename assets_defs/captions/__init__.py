"""What must be true of `captions` before anything may use it."""
