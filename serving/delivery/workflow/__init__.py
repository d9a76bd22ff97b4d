"""Workflow engines: a process instance or queue item for each case, with its hand-off as variables."""
