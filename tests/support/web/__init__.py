"""The review app for tests, with people, cases and hostile texts."""
