"""Policies that people save: which one is in force, what changed, who changed it and why, and replays of drafts.

Here belong the record of saved policies and the rule between them and the policy file. What a policy means is in
``serving.policy``; the replay itself runs in ``pipelines.replay``.
"""
