"""The value of each group of features: each risk is learned without it, and with the optional groups.

    python benchmarks/ablation.py data_samples [--only text] [--mapping DIR]

Prints a Markdown table per risk: the difference of average precision and log loss (relative to the base rate) of the
trees on later cutoffs from the whole catalogue, with 95% intervals from drawing accounts again. Bold is a difference
whose interval excludes zero. A group without a column that is learned is left out.
"""

import argparse
import tempfile
from pathlib import Path

from compared import Figures, walk_forward_scores

from features.catalogue import FEATURES, GROUPS, OPTIONAL, select_features
from features.frame import build
from features.labels.labels import label
from models.learners.training_set import prepare_training_set
from models.risks.configuration import for_history
from pipelines.settings import Settings
from pipelines.sources.validated_source import validate_source
from pipelines.training.training_data import training_cutoffs

WHOLE = "the catalogue"


def variants(only: list[str]) -> dict[str, list[str]]:
    """The columns of each variant, by its name; the first is what the others are held against."""
    whole = [feature.name for feature in FEATURES]
    found = {WHOLE: whole}
    found |= {f"with {name}": whole + [feature.name for feature in more] for name, more in OPTIONAL.items()}
    for group, title in GROUPS.items():
        found[f"without {title.lower()}"] = [feature.name for feature in FEATURES if feature.group != group]
    wanted = [name for name in found if name == WHOLE or not only or any(word in name for word in only)]
    return {name: found[name] for name in wanted}


def main() -> None:
    """Walk through time with every variant of every risk."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--mapping", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    settings = Settings(data=arguments.data, mapping=arguments.mapping)
    with tempfile.TemporaryDirectory() as scratch:
        opened = validate_source(settings, Path(scratch))
        cutoffs = training_cutoffs(opened.history, opened.history.until)
        frame = build(opened.history, cutoffs, features=select_features(tuple(OPTIONAL)))
        for risk in for_history(opened.history, opened.risk_settings).values():
            labels = label(opened.history, cutoffs, risk.label)
            figures, columns_of_whole = None, ()
            for name, columns in variants(arguments.only).items():
                training_set = prepare_training_set(
                    frame.select(["account_id", "as_of", *columns]), labels, risk, threads=arguments.threads
                )
                if figures is None:
                    columns_of_whole = training_set.learner.signature.names
                    figures = Figures(training_set, walk_forward_scores(training_set))
                    print(figures.headline(risk.title, training_set.examples.labelled.events), flush=True)
                elif training_set.learner.signature.names != columns_of_whole:
                    print(figures.row(name, walk_forward_scores(training_set)), flush=True)


if __name__ == "__main__":
    main()
