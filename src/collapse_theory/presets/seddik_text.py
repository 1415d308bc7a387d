"""Text models trained on their own text: section 4.1 of Seddik et al. (2024)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from collapse_theory.errors import InputError, show
from collapse_theory.experiment import Experiment
from collapse_theory.families.ngram import NGram, NGramLaw
from collapse_theory.families.text_rows import CONTEXTS, HELD_OUT, SAMPLED, text_of
from collapse_theory.families.text_transformer import TextTransformer, TextTransformerLaw
from collapse_theory.families.training import Training
from collapse_theory.placement import Plan
from collapse_theory.presets.counting import count_theory
from collapse_theory.presets.loops import Curve, curves_of
from collapse_theory.result import simulate
from collapse_theory.resuming import remove
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.replace import Replace

TRANSFORMER, COUNTS = "transformer", "counts"
SYNTHETIC, HALF, FIFTH = "fully synthetic", "50/50", "20/80"
"""Synthetic and real rows, as percentages; the real ones are the first corpus, for ever."""
LOOPS: dict[str, tuple[Any, float]] = {
    SYNTHETIC: (Replace(), 1.0), HALF: (Mix(), 1.0), FIFTH: (Mix(), 0.25),
}  # fmt: skip
MEASURED = (
    "l1_to_first", "held_out_loss", "entropy", "distinct_trigrams", "tail_recall",
    "truth_perplexity",
)  # fmt: skip
COUNTED = ("l1_to_first", "entropy")  # of the counts; lost symbols make their losses infinite
COUNT_CHAINS = 32  # of the count model, which costs next to nothing
SEEDS = 8

Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class TextPreset:
    """The experiment at one size.

    Attributes:
        family: the transformer and its training.
        truth: how the true model is trained on the real text.
        order: how far back the count model looks.
        n: rows of the real corpus, and of a fully synthetic one.
        generations: fits.
    """

    family: TextTransformer
    truth: TextTransformerLaw
    order: int
    n: int
    generations: int = 10

    def experiments(self, model: str) -> Iterator[tuple[str, Experiment]]:
        """Loops in words, and the experiments, of the transformer or of the counts.

        Generation 1 is the same in all three: n real rows.
        """
        f = self.family
        truth: Any = self.truth
        family: Any = f
        names: Any = COUNTED if model == COUNTS else MEASURED
        if model == COUNTS:
            family, truth = NGram(f.text, f.unit, f.most, f.context, self.order), NGramLaw()
        for loop, (workflow, share) in LOOPS.items():
            yield loop, Experiment(
                family=family, truth=truth, workflow=workflow, n=max(1, round(share * self.n)),
                n_real=self.n, generations=self.generations,
                observables=names,
            )  # fmt: skip


SIZES: dict[str, TextPreset] = {
    "mini": TextPreset(
        TextTransformer(
            context=16, width=32, layers=1, heads=2,
            training=Training("adam", rate=3e-3, steps=300, batch=16, clip=1.0),
        ),
        TextTransformerLaw(steps=1000, batch=64), order=2, n=512,
    ),
    "full": TextPreset(
        TextTransformer(
            unit="character", most=96, context=128, width=256, layers=8, heads=4, dropout=0.2,
            half=True, training=Training("adam", rate=1e-3, steps=2000, batch=256, clip=1.0),
        ),
        TextTransformerLaw(steps=2000, batch=256, rate=1e-3), order=2, n=8192,
    ),
}  # fmt: skip
"""``full`` has the sizes of the paper; the text, and the 8,192 rows of a corpus, about as many
characters as the paper's text has, are ours."""


@dataclass(frozen=True)
class Estimate:
    """What a run takes, by formula.

    Attributes:
        parameters: of one transformer.
        flops: of all trainings and samples, products of matrices only.
        memory: bytes of a training step of ``seeds`` models side by side, roughly.
    """

    parameters: int
    flops: float
    memory: float


def estimate(preset: TextPreset, seeds: int) -> Estimate:
    """What a run of the transformer takes; the text is read for its number of symbols."""
    f, shape = preset.family, preset.family.shape
    trained = len(LOOPS) * preset.generations * seeds
    each = 3 * (f.training.batch or preset.n) * f.training.steps + preset.n
    looked = 3 * CONTEXTS + HELD_OUT + 3 * SAMPLED
    true = 3 * preset.truth.batch * preset.truth.steps
    flops = float(shape.forward_flops) * (trained * (each + looked) + true)
    kept = 8 * 4 * shape.parameters  # weights, truth and first fit, moments, gradient, copies
    row = 4 * f.context * (16 * f.width + 3 * f.heads * f.context + 3 * shape.symbols)
    stream = 4 * f.context * f.width * f.layers  # all else of a layer is computed again
    rows = (f.training.batch or preset.n) * (2 * row + stream)
    return Estimate(shape.parameters, flops, float(seeds * (kept + rows)))


def seddik_text(
    preset: TextPreset,
    *,
    seeds: int = SEEDS,
    out: Path | None = None,
    plan: Plan | None = None,
    told: Told | None = None,
) -> list[Curve]:
    """Run transformer and counts under the three loops.

    Args:
        preset: the sizes.
        seeds: models of each kind, trained from initial weights and on data of their own.
        out: a folder that keeps the runs as they go: stopped, they go on from there.
        plan: where; float32 if left out.
        told: called with the loop's name, how many loops are done, and how many there are.

    Returns:
        A curve for each model, loop and observable.

    Raises:
        InputError: the text cannot be read, or the folder holds another run.
    """
    if isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 1:
        raise InputError(f"seeds = {show(seeds)}: a whole number >= 1 is needed")
    plan = plan or Plan(dtype="float32")
    if out is not None:
        _same_text(preset, out / "text")
    found: list[Curve] = []
    steps = [(m, *pair) for m in (COUNTS, TRANSFORMER) for pair in preset.experiments(m)]
    for i, (model, loop, experiment) in enumerate(steps):
        if told is not None:
            told(f"{model}, {loop}", i, len(steps))
        known, chains = None, seeds
        if model == COUNTS:
            bare = replace(experiment, observables=())
            known, chains = count_theory(bare), COUNT_CHAINS
        store = None if out is None else store_of(out, model, loop)
        run = simulate(experiment, chains=chains, seed=0, plan=plan, store=store)
        found += curves_of(model, loop, run, known)
    return found


def forget(out: Path) -> None:
    """Remove the runs in a folder, finished or not, and nothing else.

    Raises:
        InputError: one of them is being written, or cannot be removed.
    """
    for model in (COUNTS, TRANSFORMER):
        for loop in LOOPS:
            remove(store_of(out, model, loop))
    (out / "text").unlink(missing_ok=True)


def store_of(out: Path, model: str, loop: str) -> Path:
    """Where in a folder the run of a model under a loop is kept."""
    return out / f"{model}-{loop.replace('/', '-').replace(' ', '-')}.zarr"


def _same_text(preset: TextPreset, note: Path) -> None:
    """Refuse to go on with another text than the runs in the folder were begun with."""
    digest = text_of(preset.family).digest
    if note.exists() and note.read_text("utf-8").strip() != digest:
        raise InputError(
            f"{note.parent}: its runs were begun with another text, or in another version of "
            "Python; take another folder, or --force"
        )
    note.write_text(digest + "\n", "utf-8")
