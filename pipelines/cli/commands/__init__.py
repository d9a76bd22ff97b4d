"""The commands, and the module or modules of each, by their names below this package.

A module adds its commands by ``register``, or to the group of another module when it is imported.
"""

GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    "Every night": {
        "nightly": ("nightly",),
        "status": ("operations.status",),
        "check": ("sources.check",),
        "queue": ("queue", "team.hand_overs", "team.tasks", "team.case_log"),
        "review": ("review",),
    },
    "Set up": {
        "init": ("sources.init",),
        "config": ("operations.config",),
        "sync": ("operations.sync_sources",),
        "demo": ("sources.demo",),
        "simulate": ("sources.simulate",),
    },
    "Models and analysis": {
        "train": ("train",),
        "promote": ("train",),
        "rollback": ("train",),
        "backtest": ("backtest",),
        "features": ("sources.features",),
        "monitor": ("monitor",),
        "feedback": ("feedback",),
        "weekly": ("policies.weekly",),
    },
    "Policy and escalation paths": {
        "policy": ("policy",),
        "paths": ("paths", "design_paths"),
        "replay": ("replay",),
    },
    "Team": {
        "people": ("team.people",),
        "users": ("team.users",),
        "sessions": ("team.users",),
        "tokens": ("team.users",),
    },
    "Timers, incidents and messages": {
        "timers": ("timers",),
        "watch": ("incident.watch",),
        "incidents": ("incident.incidents",),
        "signals": ("incident.signals",),
        "deliver": ("deliver",),
    },
    "Keep and remove data": {
        "backup": ("operations.retention",),
        "restore": ("operations.retention",),
        "prune": ("operations.retention",),
        "erase": ("operations.retention",),
    },
}
"""By the headings of ``rescue --help``, in its order."""

COMMANDS = {name: modules for commands in GROUPS.values() for name, modules in commands.items()}
"""All of them, with their modules."""
