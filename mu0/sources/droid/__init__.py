"""DROID, and any RLDS dataset of the same feature names."""
