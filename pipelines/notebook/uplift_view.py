"""The uplift model of a risk as an analyst looks at it: whether the priority may use it, and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.notebook import html_parts

if TYPE_CHECKING:
    import pandas as pd

    from models.risks.risk import Risk
    from serving.night_report.uplift_report import UpliftReport


@dataclass(frozen=True, repr=False)
class UpliftView:
    """What a training from the hold-out showed: whom a rescue helps, and whether that is a better order than risk."""

    risk: Risk
    report: UpliftReport

    @property
    def figures(self) -> pd.DataFrame:
        """Events prevented by 100 accounts beyond a random order, with 95% intervals; empty without a model."""
        import pandas as pd

        found = {"by uplift": self.report.by_uplift, "by risk": self.report.by_risk, "lead": self.report.lead}
        rows = [{"order": name, **figure.model_dump()} for name, figure in found.items() if figure is not None]
        return pd.DataFrame(rows, columns=["order", "value", "low", "high"]).set_index("order")

    @property
    def columns(self) -> pd.Series:
        """What the effect of a rescue depends on: its change by one standard deviation of each column."""
        import pandas as pd

        return pd.Series(self.report.columns, name="change of the effect", dtype=float)

    @property
    def text(self) -> str:
        """The result in words."""
        from serving.night_report.uplift_text import uplift_details, uplift_line

        return f"{uplift_line(self.report)} {uplift_details(self.report)}".rstrip()

    def __repr__(self) -> str:
        return f"Uplift of {self.risk.name}: {self.text}"

    def _repr_html_(self) -> str:
        tables = [self.figures] if len(self.figures) else []
        tables += [self.columns.to_frame()] if len(self.columns) else []
        title = html_parts.title(f"Whom a rescue helps: {self.risk.name}")
        return "".join([title, html_parts.paragraph(self.text), *map(html_parts.table, tables)])
