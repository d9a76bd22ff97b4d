"""Figures for whoever pays for the team: the week, its money, and what became of saved accounts."""
