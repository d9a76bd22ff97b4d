"""Sources that are databases: DuckDB files, and everything behind a database URL, with their schemas."""
