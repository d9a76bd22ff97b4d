"""What protects every request: forged requests, security headers, refusals.

Here belong rules that hold for all routes. Permissions of people are in ``serving.web.identity``.
"""
