"""mu0/envs."""
