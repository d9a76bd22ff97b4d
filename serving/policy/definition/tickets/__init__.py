"""Kinds of tickets that a policy names: issue types, and launches of new features.

A condition of a policy is about an account, and a ticket is one of many. So a kind of ticket is defined once, by what
was known when it was opened, and conditions read how many unresolved tickets of it an account has.
"""
