"""The room of `trace_audit`: what it is, and how it is made."""
