"""Commands about data before a night: what a source is, whether it is fit, its features, and simulated ones."""
