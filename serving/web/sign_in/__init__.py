"""The sign-in pages: password, single sign-on, one-time link, and sign-out.

Here belong the steps that authenticate a person. Sessions and permissions are in ``serving.web.identity``.
"""
