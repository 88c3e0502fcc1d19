"""The clip: one video on disk in the form in which every later stage reads it."""
