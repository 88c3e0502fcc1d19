"""mu0/model."""
