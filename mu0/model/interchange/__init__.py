"""Exchange of checkpoints with the official release: names, settings, files; both ways, without loss."""
