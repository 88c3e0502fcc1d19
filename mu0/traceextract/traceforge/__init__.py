"""Mode `traceforge`: a grid of points from every query frame."""
