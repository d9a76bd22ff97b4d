"""A backtest as an analyst looks at it: the verdict, figures beside baselines, calibration, lift and plots."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.notebook import html_parts
from pipelines.notebook.data_frames import estimate_rows, to_pandas

if TYPE_CHECKING:
    import pandas as pd

    from models.evaluation.evaluate import BacktestResult
    from models.evaluation.metrics_report import MetricsReport
    from models.risks.risk import Risk

SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
"""Shares of a night's accounts at which the lift is shown."""


@dataclass(frozen=True)
class Plot:
    """A plot with a sentence that says what it shows; a notebook shows both."""

    name: str
    description: str
    png: bytes

    def _repr_png_(self) -> bytes:
        return self.png

    def _repr_html_(self) -> str:
        return html_parts.picture(self.png, self.description)


class Plots(Mapping[str, Plot]):
    """The plots of a backtest by name; a notebook shows all of them."""

    def __init__(self, plots: Mapping[str, Plot]) -> None:
        self._plots = dict(plots)

    def __getitem__(self, name: str) -> Plot:
        return self._plots[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._plots)

    def __len__(self) -> int:
        return len(self._plots)

    def __repr__(self) -> str:
        return f"Plots({', '.join(self._plots)})"

    def _repr_html_(self) -> str:
        return "".join(plot._repr_html_() for plot in self._plots.values())


@dataclass(frozen=True, repr=False)
class BacktestView:
    """What a model of a risk would have been worth on nights that it had not seen. Nothing is registered.

    Attributes:
        risk: the risk, with its label and the team's capacity.
        result: what `models.evaluation` computed; the rest of this object shows it.
    """

    risk: Risk
    result: BacktestResult

    @property
    def verdict(self) -> str:
        """Whether the model ranks accounts better than chance, with the figures."""
        from models.reports.sentences import render_finding

        return render_finding(self.result.evaluation.verdict)

    @property
    def warnings(self) -> list[str]:
        """What a careful reader should know."""
        from models.reports.sentences import warnings_of

        return warnings_of(self.result.evaluation)

    @property
    def learner(self) -> str:
        """Which kind of learner was chosen, and why."""
        from models.reports.sentences import render_finding

        evaluation = self.result.evaluation
        return f"{evaluation.kind}: {render_finding(evaluation.reason)}"

    @cached_property
    def figures(self) -> pd.DataFrame:
        """The model's figures over all test periods: value, 95% interval, and meaning; by the figure's name."""
        import pandas as pd

        from models.evaluation.metrics import FIGURES

        rows = pd.DataFrame(estimate_rows(self._overall.scorers["model"])).set_index("figure")
        return rows.assign(meaning=[FIGURES.get(name, "") for name in rows.index])

    @cached_property
    def baselines(self) -> pd.DataFrame:
        """The figures of the model, the logistic regression and every baseline on the same rows; one row a scorer."""
        import pandas as pd

        from models.reports.figures import SCORER_TITLES

        rows = [
            {"scorer": SCORER_TITLES.get(scorer, scorer), **{name: it.value for name, it in figures.items()}}
            for scorer, figures in self._overall.scorers.items()
        ]
        return pd.DataFrame(rows).set_index("scorer")

    @cached_property
    def folds(self) -> pd.DataFrame:
        """The model's figures in each test period."""
        return _by_part(self.result.evaluation.folds)

    @cached_property
    def segments(self) -> pd.DataFrame:
        """The model's figures in each segment with enough accounts."""
        return _by_part(self.result.evaluation.segments)

    @cached_property
    def calibration(self) -> pd.DataFrame:
        """Expected and observed share of events of ten groups of test rows, by rising probability."""
        import pandas as pd

        from models.reports.curves import calibration_curve

        return pd.DataFrame(
            {"expected": group.expected, "observed": it.value, "low": it.low, "high": it.high}
            for group in calibration_curve(self.result)
            for it in [group.observed]
        )

    @cached_property
    def lift(self) -> pd.DataFrame:
        """Precision, recall and lift of the model where such shares of every night's accounts are flagged."""
        import numpy as np
        import pandas as pd

        from models.reports.curves import flagged_curve

        curve = flagged_curve(self.result, "rank_score", np.array(SHARES))
        return pd.DataFrame({"flagged": SHARES, **curve}).set_index("flagged")

    @cached_property
    def scored(self) -> pd.DataFrame:
        """The test rows with what happened and the score of every scorer."""
        return to_pandas(self.result.scored)

    @cached_property
    def plots(self) -> Plots:
        """The plots by name: reliability, precision and recall, gain and lift, scores by cutoff, and others."""
        from models.reports.plots import draw_plots

        with tempfile.TemporaryDirectory(prefix="rescue-plots-") as folder:
            drawn = draw_plots(self.result, Path(folder))
            return Plots(
                {
                    Path(file).stem: Plot(Path(file).stem, text, (Path(folder) / file).read_bytes())
                    for file, text in drawn.items()
                }
            )

    @property
    def _overall(self) -> MetricsReport:
        return self.result.evaluation.overall

    def _figure_text(self) -> pd.DataFrame:
        """Figures down, scorers across, each with its interval, as the report page has them."""
        import pandas as pd

        from models.reports.figures import figure_table

        table = figure_table(self._overall, self.result.evaluation.kind)
        return pd.DataFrame(
            [row["cells"] for row in table["rows"]],
            index=pd.Index([row["name"] for row in table["rows"]], name=""),
            columns=table["scorers"],
        )

    def __repr__(self) -> str:
        overall = self._overall
        tested = f"{overall.rows:,} test rows, {overall.events:,} events"
        return f"Backtest of {self.risk.name}: {tested}. {self.verdict}"

    def _repr_html_(self) -> str:
        overall = self._overall
        tested = (
            f"Tested on {overall.rows:,} later rows of {overall.accounts:,} accounts with {overall.events:,} events, "
            f"{overall.cutoffs} nights from {overall.first} to {overall.last}; the team can work {self.risk.capacity} "
            "accounts a night."
        )
        return "".join(
            [
                html_parts.title(self.risk.title),
                html_parts.paragraph(self.verdict),
                html_parts.paragraph(tested),
                html_parts.bullets(f"Warning: {warning}" for warning in self.warnings),
                html_parts.figure_cells(self._figure_text()),
                html_parts.details("Test periods", html_parts.table(self.folds)),
                html_parts.details("Why this learner", html_parts.paragraph(self.learner)),
            ]
        )


def _by_part(reports: tuple[MetricsReport, ...]) -> pd.DataFrame:
    import pandas as pd

    from models.reports.figures import SHOWN

    rows: list[dict[str, Any]] = [
        {
            "name": report.name,
            "first": report.first,
            "last": report.last,
            "rows": report.rows,
            "events": report.events,
            **{
                name: report.scorers["model"][name].value if name in report.scorers["model"] else float("nan")
                for name in SHOWN
            },
        }
        for report in reports
    ]
    return pd.DataFrame(rows, columns=["name", "first", "last", "rows", "events", *SHOWN]).set_index("name")
