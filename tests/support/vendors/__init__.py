"""Stateful local fakes of other systems' published interfaces, with the faults that real ones have."""
