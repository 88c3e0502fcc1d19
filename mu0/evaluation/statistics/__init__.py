"""How sure one may be of a mean, a difference or a rate."""
