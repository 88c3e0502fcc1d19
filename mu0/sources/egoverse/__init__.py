"""EgoVerse: Zarr groups of egocentric videos with hand poses."""
