"""The policy and the weekly report for programs."""
