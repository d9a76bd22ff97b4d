"""Rehearsal: a scenario played on an empty queue through the real use cases, timers and messages, at simulated times.

Nothing leaves the process: messages stay in the outbox of a temporary queue, and become the script of a role play.
"""
