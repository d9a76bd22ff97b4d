"""Queries of the queue's database, one subject per file.

Here belongs what reads several rows for a page, a night or a report. Statements inside a transaction that changes a
case belong to ``serving.cases`` and ``serving.nights``.
"""
