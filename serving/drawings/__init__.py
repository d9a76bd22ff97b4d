"""Drawings of a policy: RACI table, swimlanes (BPMN and SVG), service blueprint, and the cycle of policy versions.

Pure: they are made of the policy and of data that the caller read, from the functions that the executor uses. The same
input gives the same bytes.
"""
