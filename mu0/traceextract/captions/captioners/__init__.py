"""Captioners: who puts events into words."""
