"""Captions of simulated clips against what their demonstrator really did."""
