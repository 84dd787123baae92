"""Faults done to `ivif` on purpose: kills at random moments, full and read-only disks, dying readers, cut weights.

`python -m tools.faults` runs them at length; `test_faults.py` runs a short form.
"""
