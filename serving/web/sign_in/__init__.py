"""The ways into the app: password, single sign-on, proxy, one-time link.

Here belong the steps that prove who somebody is. Who is signed in, and what they may do, is in
``serving.web.identity``.
"""
