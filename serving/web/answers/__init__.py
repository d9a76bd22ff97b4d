"""Answers from outside the pages: buttons in Slack, and links in mails.

Whoever answers here is not signed in. A signature says who it is, and the same use cases say what they may do.
"""
