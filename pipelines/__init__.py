"""The outer edge: settings, sources, flows and the command line.

It connects the other packages and holds no rules of its own.
"""
