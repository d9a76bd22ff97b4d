"""What each group of features is worth: each risk learnt without it, and with the optional ones.

    python benchmarks/ablation.py data_samples [--only text] [--mapping DIR]

Prints a Markdown table a risk: by how much average precision and log loss (as a share of the base rate's) of the trees
on later cutoffs differ from what the whole catalogue gives, with 95% intervals of accounts drawn again. Bold is a
difference whose interval leaves out nought; the others are noise. A group without a column that is learnt is left out.
"""

import argparse
import tempfile
from pathlib import Path

from compared import Figures, walked

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
    kept = [name for name in found if name == WHOLE or not only or any(word in name for word in only)]
    return {name: found[name] for name in kept}


def main() -> None:
    """Walk through time with every variant of every risk."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--mapping", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--threads", type=int, default=0)
    asked = parser.parse_args()
    settings = Settings(data=asked.data, mapping=asked.mapping)
    with tempfile.TemporaryDirectory() as scratch:
        opened = validate_source(settings, Path(scratch))
        cutoffs = training_cutoffs(opened.history, opened.history.until)
        frame = build(opened.history, cutoffs, features=select_features(tuple(OPTIONAL)))
        for risk in for_history(opened.history, opened.risk_settings).values():
            labels = label(opened.history, cutoffs, risk.label)
            figures, learnt = None, ()
            for name, columns in variants(asked.only).items():
                material = prepare_training_set(frame.select(["account_id", "as_of", *columns]), labels, risk, threads=asked.threads)
                if figures is None:
                    learnt = material.learner.signature.names
                    figures = Figures(material, walked(material))
                    print(figures.headline(risk.title, material.examples.labelled.events), flush=True)
                elif material.learner.signature.names != learnt:
                    print(figures.row(name, walked(material)), flush=True)


if __name__ == "__main__":
    main()
