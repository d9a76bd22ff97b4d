"""Protection of every request: forged requests, security headers, error responses.

Here belong rules that hold for all routes. Permissions of people are in ``serving.web.identity``.
"""
