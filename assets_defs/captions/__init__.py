"""The room of `captions`: what it is, how it is made, what must be true of it."""
