"""The frozen package that goes with a case, and how it is rendered.

Here belong its facts, its sentences, playbooks and templates. A package is built once and never changed.
"""
