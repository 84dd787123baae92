"""Several processes started by torch's own launcher."""
