"""Escalation paths, working time, people on duty, the communication protocol, and the text of messages.

Pure: no store, no network, and no clock of its own. SLA timers, incidents and the policy's explanation use it.
"""
