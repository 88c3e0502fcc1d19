"""Depth, intrinsics and the camera's path."""
