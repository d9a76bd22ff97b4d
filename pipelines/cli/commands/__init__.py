"""The commands, and the module or modules of each, by their names below this package.

A module adds its commands by ``register``, or to the group of another module when it is imported.
"""

COMMANDS: dict[str, tuple[str, ...]] = {
    "nightly": ("nightly",),
    "init": ("sources.init",),
    "sync": ("operations.sync_sources",),
    "check": ("sources.check",),
    "status": ("operations.status",),
    "config": ("operations.config",),
    "prune": ("operations.retention",),
    "erase": ("operations.retention",),
    "backup": ("operations.retention",),
    "restore": ("operations.retention",),
    "train": ("train",),
    "promote": ("train",),
    "rollback": ("train",),
    "backtest": ("backtest",),
    "features": ("sources.features",),
    "policy": ("policy",),
    "paths": ("paths", "design_paths"),
    "replay": ("replay",),
    "queue": ("queue", "team.hand_overs", "team.tasks", "team.case_log"),
    "timers": ("timers",),
    "watch": ("incident.watch",),
    "incidents": ("incident.incidents",),
    "signals": ("incident.signals",),
    "deliver": ("deliver",),
    "feedback": ("feedback",),
    "monitor": ("monitor",),
    "weekly": ("policies.weekly",),
    "review": ("review",),
    "users": ("team.users",),
    "sessions": ("team.users",),
    "tokens": ("team.users",),
    "people": ("team.people",),
    "simulate": ("sources.simulate",),
    "demo": ("sources.demo",),
}
"""In the order in which ``rescue --help`` shows them."""
