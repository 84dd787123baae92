"""Language: goals, encoders of texts and pictures, what a text is understood as, embedded prompts."""
