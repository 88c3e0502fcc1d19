"""Learning from a dataset of anyone's robot: from its folder to a policy."""
