"""The verdict on a clip, and the account of everything that was dropped."""
