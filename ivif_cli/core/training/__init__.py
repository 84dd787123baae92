"""The training room: recipes, the training loop, its checkpoints, and the terms of the objective."""
