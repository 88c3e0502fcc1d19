"""The room of `token_vlm`: what it is, and how it is made."""
