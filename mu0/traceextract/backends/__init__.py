"""mu0/traceextract/backends."""
