"""Expectations about every artifact, one folder per artifact; `checks/` runs them. The only import of GX."""
