"""mu0.hardware."""
