"""mu0/cli."""
