"""What commands print on a terminal.

Here belong tables and pages of text. Figures come from the reports that commands receive.
"""
