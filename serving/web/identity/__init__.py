"""Who a person is, and what they may do: users, roles, sessions, API tokens and the limit of sign-in attempts.

Here belong people and their permissions. The sign-in pages are in ``serving.web.sign_in``.
"""
