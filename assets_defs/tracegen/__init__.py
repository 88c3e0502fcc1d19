"""The room of `tracegen`: what it is, and how it is made."""
