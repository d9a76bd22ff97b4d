"""Escalation paths designed from data: criteria, triggers, squads and forms that a team may adopt into its policy.

Nothing here changes a policy or a queue. A proposal is a text of a policy, and a report that says on which tickets it
was learned and how it did on later ones.
"""
