"""Made-up and damaged input: every reader gives a value or one line, never another exception, a hang, or much memory.

CI runs a fixed choice of cases; `make fuzz` runs at least 100,000 random ones.
"""
