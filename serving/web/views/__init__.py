"""What each page shows, as plain values for a template.

Here belong the texts and figures of a page. Routes are in ``serving.web.pages``; queries are in ``serving.store``.
"""
