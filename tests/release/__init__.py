"""What is shipped: wheel, sdist, versions, help."""
