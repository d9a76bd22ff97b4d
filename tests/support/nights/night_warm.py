"""Imported by the fork server only: one night on a throw-away queue, so that forked children find all warm."""

import tempfile
from pathlib import Path

from serving.store import Store
from support.nights.night_crashes import SECOND_NOW, first_night, second_night
from support.nights.night_factory import run

with tempfile.TemporaryDirectory() as folder, Store(f"sqlite:///{Path(folder) / 'warm.db'}") as store:
    store.migrate()
    first_night(store)
    run(store, second_night(), SECOND_NOW)
