"""What training asks for: total = words(goal) + retention + base + overshoot (+ teacher, for a student)."""
