"""The policy file: its schema, how it is read and checked, and its explanation in words.

Here belong the schema, conditions, the columns they may name, and the explanation in words. Applying a policy to
accounts does not belong here (``serving.policy.decision``).
"""
