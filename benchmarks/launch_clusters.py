"""What `rescue paths launch` finds in simulated launches: clusters, and later tickets that its terms catch.

Run: python benchmarks/launch_clusters.py [seeds]. Three failures are planted (payments time out, taxes are wrong: both
technical; how to switch it on: use), beside tickets that have nothing in common, in four languages. The adjusted Rand
index counts the latter as a group of their own. A failure is caught where the terms of its cluster find its later
tickets; wrong are later tickets that they find of anything else. "Without concepts" leaves out the list of words that
are the same in several languages, which shares some words with the simulated sentences.
"""

import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_rand_score

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.worlds.launch_phrases import FEATURE
from support.worlds.launch_world import NO_FAILURE, START, LaunchSettings, simulate_launch

from pipelines.path_design.launches import launch_clusters
from pipelines.path_design.launches.launch_clusters import NO_CLUSTER, cluster_texts, is_technical, read_text
from pipelines.path_design.launches.launch_terms import choose_terms

SETTINGS = {
    "160 tickets, a quarter noise": {},
    "60 tickets": {"tickets": 60},
    "400 tickets": {"tickets": 400},
    "160 tickets, 40% noise": {"noise": 0.4},
    "160 tickets, without concepts": {},
}
LATE = timedelta(hours=48)


def measure(settings: LaunchSettings) -> tuple[float, float, float, float, bool]:
    """Rand index with and without noise, the share of the failure that is caught least, wrong share, kinds right."""
    world = simulate_launch(settings)
    rows = [row for row in world.tables["tickets"].to_pylist() if row["ticket_id"] in world.truth]
    first = [row for row in rows if row["opened_at"] < START + LATE]
    later = [row for row in rows if row["opened_at"] >= START + LATE]
    texts = [read_text(f"{row['subject']} {row['body']}", [FEATURE]) for row in first]
    after = [read_text(f"{row['subject']} {row['body']}", [FEATURE]) for row in later]
    truth = np.array([world.truth[row["ticket_id"]] for row in first])
    labels = cluster_texts(texts)
    planted = truth != NO_FAILURE
    caught, wrong, found, kinds = dict.fromkeys(("payment", "tax", "enable"), 0.0), 0, 0, True
    for number in range(int(labels.max(initial=NO_CLUSTER)) + 1):
        inside = labels == number
        about = Counter(truth[inside].tolist()).most_common(1)[0][0]
        terms = choose_terms(texts, inside)
        hits = [world.truth[row["ticket_id"]] for row, text in zip(later, after, strict=True) if terms.find(text)]
        found += len(hits)
        wrong += sum(it != about for it in hits)
        if about in caught:
            total = sum(world.truth[row["ticket_id"]] == about for row in later)
            caught[about] = max(caught[about], sum(it == about for it in hits) / total)
            mine = [text for text, is_mine in zip(texts, inside, strict=True) if is_mine]
            kinds &= is_technical(mine) == (about != "enable")
    return (
        float(adjusted_rand_score(truth, labels)),
        float(adjusted_rand_score(truth[planted], labels[planted])),
        min(caught.values()),
        wrong / max(1, found),
        kinds,
    )


def main() -> None:
    """Print the table."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print("| launch | Rand index: mean (lowest) | planted only | least caught: mean (lowest) | wrong | kinds right |")
    print("|---|--:|--:|--:|--:|--:|")
    weight = launch_clusters.CONCEPT_WEIGHT
    for name, changes in SETTINGS.items():
        launch_clusters.CONCEPT_WEIGHT = 0.0 if "without concepts" in name else weight
        figures = np.array([measure(LaunchSettings(seed=seed, **changes)) for seed in range(1, seeds + 1)], dtype=float)
        mean, low = figures.mean(axis=0), figures.min(axis=0)
        print(
            f"| {name} | {mean[0]:.2f} ({low[0]:.2f}) | {mean[1]:.2f} ({low[1]:.2f}) | {mean[2]:.0%} ({low[2]:.0%}) "
            f"| {mean[3]:.1%} | {mean[4]:.0%} |"
        )


if __name__ == "__main__":
    main()
