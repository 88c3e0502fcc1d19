"""mu0/evaluation."""
