"""One room per artifact, the graph that they make, and what all their commands share."""
