"""Keypoints followed from frame to frame: pixels first, then places in the world."""
