"""The sections of ``rescue.toml`` that have keys of their own, and the message about a key that does not exist."""
