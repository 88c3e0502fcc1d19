"""The room of `tau0_data`: what it is, how it is made, what must be true of it."""
