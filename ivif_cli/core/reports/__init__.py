"""Reports of an evaluation, a module a format: JSON, rows for a terminal table, CSV, Markdown, LaTeX, JUnit, HTML.

Each is a pure function from a `Report` to text; none of them prints, and none knows the command line.
"""
