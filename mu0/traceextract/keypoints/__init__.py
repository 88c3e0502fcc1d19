"""Where to look: entities from patch features, and well spread points on them."""
