"""Files that hold frames or records: videos, TFRecords; decoded, encoded, put on a time grid."""
