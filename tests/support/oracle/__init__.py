"""Every feature a second time, in plain SQLite."""
