"""Language: caption grammar, encoders, prompt embeddings and the language-driven loss."""
