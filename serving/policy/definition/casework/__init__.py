"""The sections of a policy about the work on a case: playbooks, whose steps become tasks, and reasons of outcomes."""
