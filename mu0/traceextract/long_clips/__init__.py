"""Clips longer than one window: what is handed on from window to window."""
