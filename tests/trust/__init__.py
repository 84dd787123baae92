"""Promises about the whole package: how imports run, what is never used, what no name or size can do."""
