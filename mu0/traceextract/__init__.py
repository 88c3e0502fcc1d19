"""mu0/traceextract."""
