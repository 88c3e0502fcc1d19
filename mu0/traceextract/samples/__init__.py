"""What every anchor frame sees of the tracks: the rows of an episode."""
