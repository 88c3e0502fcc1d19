"""Processes that end together: stop signals, watched ancestors and pools of workers."""
