"""The commands about signals and incidents, and the process that runs the timers."""
