"""Why an account has its risk, and what would change it.

Here belong reasons, counterfactuals, the importance of feature groups, and evidence from the texts of tickets. The
sentences of reasons come from the feature catalogue.
"""
