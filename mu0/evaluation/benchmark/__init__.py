"""Every method on the same questions."""
