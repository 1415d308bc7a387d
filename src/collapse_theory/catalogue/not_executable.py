"""Results that are listed and cannot be run, with the reason."""

NOT_EXECUTABLE = {
    "seddik2024.experiments": "the settings of the paper's figures; it states nothing to judge",
    "fu2024.kde_tv": "no readable copy of the theorem: its constants are not known here",
    "barzilai2025.consistency": "an upper bound whose constants were not readable",
    "barzilai2025.counterexample2": (
        "says that for every rate some family collapses at that rate, and gives none that could be "
        "run"
    ),
}
