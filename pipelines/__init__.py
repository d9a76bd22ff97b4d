"""The outer edge: settings, sources, flows and the command line. It wires the rooms and decides nothing."""
