"""What a captioner may look at: events, measured motion, pictures."""
