"""The warm-up study: what a few demonstrations of a new embodiment are worth."""
