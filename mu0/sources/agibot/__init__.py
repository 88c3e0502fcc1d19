"""AgiBot World: episodes of a robot with its head camera."""
