"""Which model is the champion of a risk, how it became so, and the way back.

This is the only place that imports MLflow. What a model computes does not belong here.
"""
