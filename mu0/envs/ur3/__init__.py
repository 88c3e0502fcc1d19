"""mu0/envs/ur3."""
