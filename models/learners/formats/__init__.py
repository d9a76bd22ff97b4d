"""Formats of saved models that other libraries parse: their texts are checked here first."""
