"""One episode to look at: its page, its video, its Rerun recording."""
