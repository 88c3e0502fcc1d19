"""mu0/baselines."""
