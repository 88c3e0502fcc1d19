"""Rigid bodies among world tracks, and keypoints that ride on them."""
