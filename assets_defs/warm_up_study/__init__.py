"""The room of `warm_up_study`: what it is, and how it is made."""
