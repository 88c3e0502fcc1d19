"""mu0/geometry."""
