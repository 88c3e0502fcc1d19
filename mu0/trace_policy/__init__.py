"""A policy without learning: traces of gripper and target become motion. Begin with `policy.py`."""
