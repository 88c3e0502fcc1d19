"""The room of `world_model`: what it is, how it is made, what must be true of it."""
