"""A person's own videos and folders of images."""
