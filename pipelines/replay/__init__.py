"""Past nights with what was known then, for replaying a policy.

Here belong the candidates of past nights and the models that score them. The replay itself is in
``serving.policy.replay``.
"""
