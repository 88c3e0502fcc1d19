"""mu0/training."""
