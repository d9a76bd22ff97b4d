"""Morning digests, pure: when a person's digest is due, what may wait for it, and its text."""
