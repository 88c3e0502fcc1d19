"""The room of `caption_audit`: what it is, how it is made, what must be true of it."""
