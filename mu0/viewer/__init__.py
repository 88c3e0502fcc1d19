"""mu0/viewer."""
