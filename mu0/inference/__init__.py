"""From pictures, folders, tables and videos to predicted traces: questions, keypoints, batches, streams."""
