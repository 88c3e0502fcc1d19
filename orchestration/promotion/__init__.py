"""The model registry: gates, promotion, rollback, and whether the stored files are what was registered."""
