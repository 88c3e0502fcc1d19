"""mu0/policy."""
