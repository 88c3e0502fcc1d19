"""Looking at things: overlays, interactive 3D scenes, the report. Pages work offline, from one file."""
