"""The room of `ur3_report`: what it is, how it is made, what must be true of it."""
