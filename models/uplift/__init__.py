"""Whom does a rescue help? Models of the effect of a rescue on one account, and how well they order accounts.

Here belong the learners, their evaluation on units that chance assigned, and the saved model. Enrolments are read and
models are trained in ``pipelines.monitoring``.
"""
