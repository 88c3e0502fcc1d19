"""The room of `report`: what it is, and how it is made."""
