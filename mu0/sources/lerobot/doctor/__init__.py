"""`mu0 demos doctor`: what is wrong with a LeRobotDataset, episode by episode, and mending it."""
