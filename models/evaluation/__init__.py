"""How good a model is: the only place where metrics are computed.

Here belong metrics, their bootstrap intervals, walk-forward evaluation, model selection and tuning. Whether a model is
promoted is decided in ``models.promotion``.
"""
