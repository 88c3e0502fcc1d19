"""Chat models behind an endpoint (GPT, Gemini and others) as trace predictors."""
