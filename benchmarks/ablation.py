"""What each group of features is worth: each risk trained without it, and with the optional ones.

    python benchmarks/ablation.py data_samples [--only text] [--mapping DIR]

Prints a Markdown table a risk: average precision, AUC and recall at capacity on later cutoffs, with 95 % intervals.
A difference that is small against the interval is noise.
"""

import argparse
import tempfile
from pathlib import Path

import pyarrow as pa

from features.catalogue import FEATURES, GROUPS, OPTIONAL, chosen
from features.frame import build
from features.labels import label
from models import risks, training
from models.evaluation import MODEL
from pipelines.intake import open_data
from pipelines.lessons import training_cutoffs
from pipelines.settings import Settings

FIGURES = ("average_precision", "auc", "recall_at_capacity")


def variants(only: list[str]) -> dict[str, list[str]]:
    """The columns of each variant, by its name."""
    whole = [feature.name for feature in FEATURES]
    found = {"the catalogue": whole}
    found |= {f"with {name}": whole + [feature.name for feature in more] for name, more in OPTIONAL.items()}
    for group, title in GROUPS.items():
        found[f"without {title.lower()}"] = [feature.name for feature in FEATURES if feature.group != group]
    kept = [name for name in found if name == "the catalogue" or not only or any(word in name for word in only)]
    return {name: found[name] for name in kept}


def figures(frame: pa.Table, labels: pa.Table, risk: risks.Risk, columns: list[str]) -> list[str]:
    """What the model is worth that learns from these columns, each figure with its interval."""
    trained = training.fit(frame.select(["account_id", "as_of", *columns]), labels, risk)
    found = trained.evaluation.pooled.scorers[MODEL]
    return [f"{found[name].value:.3f} ({found[name].low:.3f}–{found[name].high:.3f})" for name in FIGURES]


def main() -> None:
    """Train every variant of every risk."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--mapping", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    asked = parser.parse_args()
    settings = Settings(data=asked.data, mapping=asked.mapping)
    with tempfile.TemporaryDirectory() as scratch:
        opened = open_data(settings, Path(scratch))
        cutoffs = training_cutoffs(opened.history, opened.history.until)
        frame = build(opened.history, cutoffs, features=chosen(tuple(OPTIONAL)))
        for risk in risks.for_history(opened.history, opened.risk_settings).values():
            labels = label(opened.history, cutoffs, risk.label)
            print(f"\n### {risk.title}\n\n| features | {' | '.join(FIGURES)} |\n|{'---|' * (1 + len(FIGURES))}")
            for name, columns in variants(asked.only).items():
                print(f"| {name} | {' | '.join(figures(frame, labels, risk, columns))} |", flush=True)


if __name__ == "__main__":
    main()
