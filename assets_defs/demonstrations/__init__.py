"""What must be true of `demonstrations` before anything may use it."""
