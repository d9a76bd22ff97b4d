"""What a policy file may say, and how it is checked and explained.

Here belong the schema, conditions, the columns they may name, and the explanation in words. Applying a policy to
accounts does not belong here (``serving.policy.decision``).
"""
