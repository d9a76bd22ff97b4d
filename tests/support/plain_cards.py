"""Model cards whose plots are one small picture, for tests that train many models and look at no plot."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg=="
)


def _write_picture(_result: object, folder: Path) -> dict[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "reliability.png").write_bytes(PICTURE)
    return {"reliability.png": "a picture of one pixel"}


@contextmanager
def without_plots() -> Iterator[None]:
    """Cards of models that are trained inside the block have no real plots."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.reports.model_card.draw_plots", _write_picture)
        yield
