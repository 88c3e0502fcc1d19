"""The report: one page over the whole chain."""
