"""Tracks of clips without depth: how long they live, and which of them move by themselves."""
