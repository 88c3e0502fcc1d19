"""LeRobotDatasets: read as clips, read as demonstrations, and written."""
