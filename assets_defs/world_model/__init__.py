"""What must be true of `world_model` before anything may use it."""
