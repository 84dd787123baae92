"""Videos and frame sequences: reading, fusing over time, writing."""
