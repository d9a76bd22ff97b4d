"""Commands for leads: saved policies, and the weekly report."""
