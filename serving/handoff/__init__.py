"""The frozen package that goes with a case, and how it is rendered.

Here belong the facts, sentences, playbooks and templates of a package. A package is built once and never changed.
"""
