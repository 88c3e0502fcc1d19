"""Who may become champion: gates, the model registry, and the command that moves its aliases."""
