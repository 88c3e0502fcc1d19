"""Hands: where a landmarker sees them, which is which over time, and what they touch."""
