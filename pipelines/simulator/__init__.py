"""A simulator of B2B accounts with a causal life, whose true risks are known.

Nothing measures a churn model on real data: who would have left is never seen. Here a hidden *satisfaction* moves
usage, tickets, escalations, payments and health scores, and decides, with the contract's calendar, about leaving; the
tables of the data contract show its traces as a source would, and ``truth.parquet`` holds what no source shows.

``simulate_world(settings, out)`` writes a folder; ``Simulation(settings)`` is the same world, advanced month by month
with rescues in between; ``samples.SAMPLES`` are the settings of ``data_samples/``.
"""

from pipelines.simulator.run import simulate_world
from pipelines.simulator.simulation import Simulation
from pipelines.simulator.simulator_settings import SimulatorSettings

__all__ = ["Simulation", "SimulatorSettings", "simulate_world"]
