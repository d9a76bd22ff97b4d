"""Requests to other systems: checked addresses, one deadline for each, sign-in, and errors without secrets."""
