"""Captions of an episode: what happens in it, in words, as the official files."""
