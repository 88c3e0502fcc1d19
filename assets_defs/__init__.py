"""assets_defs."""
