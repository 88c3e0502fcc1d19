"""The room of `unseen_clips`: what it is, and how it is made."""
