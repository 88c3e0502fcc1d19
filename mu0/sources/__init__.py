"""mu0/sources."""
