"""The room of `trace_dataset`: what it is, how it is made, what must be true of it."""
