"""What is being done when a question is asked, and whose point is asked about."""
