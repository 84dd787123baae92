"""The training room: recipes, crops and goals, the loop, its checkpoints, what ends a run: balance and trim."""
