"""Scoring many pictures: over processes and machines, against baselines, compared with statistics, held to gates."""
