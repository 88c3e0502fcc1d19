"""The room of `demonstrations`: what it is, how it is made, what must be true of it."""
