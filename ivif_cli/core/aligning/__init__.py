"""Registration of the infrared to the visible picture: search, refinement, files."""
