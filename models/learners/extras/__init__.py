"""Learners made of other libraries: XGBoost and CatBoost, each an extra of the installation.

Here belongs one estimator a library; the library itself is imported only when it is used.
"""
