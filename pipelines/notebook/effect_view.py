"""The effect of rescues as an analyst looks at it: the two groups, the difference, and what an answer still needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.notebook import html_parts

if TYPE_CHECKING:
    import pandas as pd

    from models.risks.risk import Risk
    from serving.night_report.effect_report import EffectReport, GroupReport


@dataclass(frozen=True, repr=False)
class EffectView:
    """Worked accounts against held-out ones, which chance alone separated."""

    risk: Risk
    report: EffectReport

    @property
    def groups(self) -> pd.DataFrame:
        """The two groups: accounts, how many of them are settled, events among those, and their share."""
        import pandas as pd

        groups = {"worked": self.report.worked, "held out": self.report.held_out}
        rows = [{"group": name, **group.model_dump(), "share": _share(group)} for name, group in groups.items()]
        return pd.DataFrame(rows).set_index("group")

    @property
    def difference(self) -> tuple[float, float, float] | None:
        """Events avoided as a share of accounts, with its 95% interval; None until both groups are large enough."""
        difference = self.report.difference
        return None if difference is None else (difference.value, difference.low, difference.high)

    @property
    def needs(self) -> pd.Series:
        """What an answer needs: the detectable difference now, accounts for the assumed one, and the expected date."""
        import pandas as pd

        report = self.report
        return pd.Series(
            {
                "difference that the policy assumes": report.assumed,
                "smallest difference found by now, 4 times in 5": report.detectable,
                "settled accounts for the assumed difference": report.detectable_of,
                "accounts enrolled a week": report.per_week,
                "expected date of an answer": report.answer_on,
                "value forgone for the hold-out": report.holdout_cost,
            },
            name="value",
            dtype=object,
        )

    def _needs_text(self) -> pd.DataFrame:
        """The same as :attr:`needs`, as people read it; what is not known has a dash."""
        report = self.report
        values = [_points(report.assumed), _points(report.detectable), _count(report.detectable_of)]
        values += [
            _count(report.per_week),
            str(report.answer_on or ("not within ten years" if report.per_week is not None else "–")),
            _count(report.holdout_cost),
        ]
        return self.needs.to_frame().assign(value=values)

    @property
    def text(self) -> str:
        """The result in words."""
        from serving.night_report.effect_text import effect_line

        return effect_line(self.report)

    def __repr__(self) -> str:
        return f"Effect on {self.risk.name}: {self.text}"

    def _repr_html_(self) -> str:
        return "".join(
            [
                html_parts.title(f"Effect of rescues on {self.risk.name}"),
                html_parts.paragraph(self.text),
                html_parts.table(self.groups),
                html_parts.table(self._needs_text()),
            ]
        )


def _share(group: GroupReport) -> float:
    return group.events / group.settled if group.settled else float("nan")


def _points(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} percentage points"


def _count(number: float | None) -> str:
    return "–" if number is None else f"{number:,.0f}" if number >= 10 else f"{number:.1f}"
