"""What a policy would have done over past nights, and two policies side by side.

The decision step is the same as on a real night; here belong only the loop over nights and its figures.
"""
