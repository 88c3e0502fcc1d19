"""The room of `raw_videos`: what it is, how it is made, what must be true of it."""
