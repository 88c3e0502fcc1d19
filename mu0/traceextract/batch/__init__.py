"""All clips of a project into episodes: workers, locks and the episode cache."""
