"""The weekly report for whoever pays for the rescue team: figures from the queue, as a page and as a mail.

Here belong the figures of a week and their words. What they are computed by is in ``serving.store.queries`` and
``serving.path_metrics``, so that the overview, the reporting views and the report cannot differ.
"""
