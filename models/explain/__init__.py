"""Why an account has its risk, and what would change it.

Here belong reasons, counterfactuals and the importance of feature groups. The sentences themselves come from the
feature catalogue.
"""
