"""mu0/stages."""
