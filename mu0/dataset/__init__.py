"""mu0/dataset."""
