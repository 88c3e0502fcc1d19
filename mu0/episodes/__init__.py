"""mu0/episodes."""
