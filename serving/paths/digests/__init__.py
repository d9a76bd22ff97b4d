"""When the morning digest of a person is due, and what may wait for it: pure."""
