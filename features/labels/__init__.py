"""What happened after a cutoff: the label of each eligible account, or why it is not known yet.

Here belong label rules, eligibility and events. Features never read a label.
"""
