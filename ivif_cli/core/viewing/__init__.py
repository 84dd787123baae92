"""A page on this machine to look at pairs and say what is wanted of them: pictures, wishes, and a small server."""
