"""The figure of speeds: ours, NumPy and the ceiling, from a file that ``collapse bench`` wrote.

python docs/make_bench_figure.py benchmarks/results/FILE.json
"""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

SIDES = {  # label: (key, marker, colour); told apart by shape, too
    "collapse_theory": ("ours", "o", "#0072B2"),
    "NumPy, one core": ("baseline", "s", "#D55E00"),
    "fused loop (ceiling)": ("ceiling", "|", "black"),
    "CUDA (ceiling)": ("cuda", "x", "black"),
}


def main(source):
    """Write docs/bench.png."""
    report = json.loads(Path(source).read_text())
    rows = [r for r in report["cases"] if r["group"] == "speed"][::-1]
    fig, ax = plt.subplots(figsize=(9, 0.5 + 0.3 * len(rows)), layout="constrained")
    for label, (key, marker, colour) in SIDES.items():
        there = [(r[key], i) for i, r in enumerate(rows) if r[key] is not None]
        if there:
            x, y = zip(*there, strict=True)
            ax.plot(x, y, marker, color=colour, label=label, ms=7, mew=2)
    for i, r in enumerate(rows):
        ax.plot([r["baseline"], r["ours"]], [i, i], color="0.8", zorder=0)
        three_digits = float(format(r["ratio"]["median"], ".3g"))
        ax.annotate(
            f"{three_digits:,g}x", (r["ours"], i), (8, 0), textcoords="offset points",
            va="center", fontsize=8,
        )  # fmt: skip
    ax.set_yticks(range(len(rows)), [r["name"] for r in rows])
    ax.set_xscale("log")
    ax.margins(x=0.12)
    ax.set_xlabel("chain-generations per second")
    machine = report["machine"]
    ax.set_title(f"{machine['cpu']}, {machine['cores']} cores, {machine['platform']}", fontsize=9)
    ax.legend(loc="lower left", fontsize=8)
    ax.grid(axis="x", color="0.93")
    fig.savefig(Path(__file__).with_name("bench.png"), dpi=150, metadata={"Software": None})


if __name__ == "__main__":
    main(sys.argv[1])
