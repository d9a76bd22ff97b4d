"""The weekly report as a mail: HTML that mail programs show, and plain text that says the same."""
