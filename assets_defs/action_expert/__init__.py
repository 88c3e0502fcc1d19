"""The room of `action_expert`: what it is, and how it is made."""
