"""Cases: the actions of people and the effects of time, from *new* to the outcome.

Here belong transitions, actions, SLA timers, audit, permissions, outcomes and health adjustments. The changes
that a night makes are in ``serving.nights``; pages are in ``serving.web``.
"""
