"""What training asks for: total = words(goal) + what is kept (+ teacher, for a student).

What is kept: retention, edges, base, hold, rings, even areas, overshoot.
"""
