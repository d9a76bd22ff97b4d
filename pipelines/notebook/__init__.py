"""Rescue in a notebook: what the commands do, as pandas objects that show themselves.

Here belongs what ``import rescue`` calls. A result is a small object with tables as data frames and a representation in
HTML. What is computed is in the other sub-packages, the same for a command, a flow and a notebook.
"""
