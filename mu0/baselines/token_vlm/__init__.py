"""The tokenised VLM: μ0's backbone speaking traces as words."""
