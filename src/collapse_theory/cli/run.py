"""``collapse run``: an experiment of a paper, at one of its sizes."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from collapse_theory.cli.options import Count, Flag, Json
from collapse_theory.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from collapse_theory.presets import Curve, Estimate, TextPreset

DRAWN = ("l1_to_first", "held_out_loss", "entropy", "truth_perplexity")
JUDGED = ("l1_to_first", "held_out_loss")
Preset = Annotated[Literal["seddik-text"], Parameter(name="PRESET")]


def run_preset(
    preset: Preset,
    /,
    *,
    size: Literal["mini", "full"] = "mini",
    seeds: Count = 8,
    out: Path | None = None,
    text: str = "python",
    as_json: Json = False,
    force: Flag = False,
    no_cache: Flag = False,
) -> int:
    """Run an experiment of a paper: a table, a CSV file and a figure.

    seddik-text: a transformer trained on text that the last one generated, fully or beside the
    real corpus, and a count model under the same loops (Seddik et al. 2024, section 4.1).

    Args:
        preset: Its name: seddik-text.
        size: "mini", for minutes on two cores, or "full", the paper's sizes, for a GPU.
        seeds: How many models are trained for each loop; bands are over them.
        out: The folder to fill; the preset's name and the size, here, if left out. Run again, it
            goes on where it was stopped.
        text: What the true model is trained on: a .txt or .md file, a folder of such, or "python",
            the documentation in the standard library.
        as_json: Print JSON instead of the table.
        force: Start over: remove the runs that are in the folder.
        no_cache: Do not keep compiled programs for the next run.
    """
    from collapse_theory.cli.console import print_json, progress_bar, stdout
    from collapse_theory.cli.session import begin

    begin(cache=not no_cache)
    from collapse_theory.presets import SIZES, estimate, forget, seddik_text

    what = SIZES[size]
    what = replace(what, family=replace(what.family, text=text))
    needs = estimate(what, seeds)
    folder = made(Path(f"{preset}-{size}") if out is None else out)
    if force:
        forget(folder)
    print(f"collapse: {words(what, needs, seeds)}", file=sys.stderr)
    with progress_bar() as bar:
        told = _Teller(bar, what.generations)
        curves = seddik_text(what, seeds=seeds, out=folder, plan=told.plan, told=told)
    write_csv(curves, folder / "curves.csv")
    draw(curves, folder / "curves.png")
    if as_json:
        print_json(document(what, curves, seeds))
        return 0
    console = stdout()
    console.print(table(curves))
    for line in judged(curves):
        console.print(line)
    console.print(f"written: {folder / 'curves.csv'}, {folder / 'curves.png'}")
    return 0


class _Teller:
    """Moves the bar: loops done, and what the runner says of the generation under way."""

    def __init__(self, bar: Callable[..., None] | None, generations: int) -> None:
        from collapse_theory.placement import Plan

        self._bar, self._generations = bar, generations
        self._name, self._done, self._total = "", 0, 1
        self.plan = Plan(dtype="float32", progress=self._moved, report=self._reported)

    def __call__(self, name: str, done: int, total: int) -> None:
        """A loop begins."""
        self._name, self._done, self._total = name, done, total
        self._moved(0, 1)

    def _moved(self, done: int, total: int) -> None:
        if self._bar is not None:
            part = self._generations * done // total
            whole = self._generations * self._done
            self._bar(whole + part, self._generations * self._total, self._name)

    def _reported(self, words: str) -> None:
        if self._bar is None:
            print(f"collapse: {self._name}: {words}", file=sys.stderr)


def made(folder: Path) -> Path:
    """The folder, made if need be.

    Raises:
        InputError: it is a file, or cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as e:
        raise InputError(f"--out = {str(folder)!r}: no folder can be made there") from e
    return folder


def words(preset: TextPreset, needs: Estimate, seeds: int) -> str:
    """What is about to be run, and what it takes."""
    loops = 3 * preset.generations * seeds
    return (
        f"{loops:,} transformers of {needs.parameters:,} parameters, "
        f"{preset.family.training.steps:,} steps each: {needs.flops:.2g} floating-point "
        f"operations, about {needs.memory / 1e9:.2g} GB"
    )


def judged(curves: list[Curve]) -> list[str]:
    """Whether fully synthetic is worse than the mixtures, at the last generation."""
    from collapse_theory.presets import apart

    out = []
    for name in JUDGED:
        own = [c for c in curves if c.model == "transformer" and c.observable == name]
        worst, rest = own[0], own[1:]
        verdict = "lies above the others" if apart(worst, rest) else "does not lie above the others"
        out.append(
            f"{name} at generation {len(worst.mean)}: the 95 % band of {worst.loop} {verdict}"
        )
    return out


def table(curves: list[Curve]) -> Table:
    """First and last generation of each curve, with the band over seeds."""
    from rich import box
    from rich.table import Table

    from collapse_theory.cli.console import number

    out = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("observable", "model", "loop"):
        out.add_column(heading, no_wrap=True)
    last = len(curves[0].mean)
    for heading in ("at 1", f"at {last}", "95 % band", "theory"):
        out.add_column(heading, justify="right", no_wrap=True)
    names = list(dict.fromkeys(c.observable for c in curves))
    for name in names:
        for c in (c for c in curves if c.observable == name):
            band = f"{number(c.low[-1])} .. {number(c.high[-1])}"
            ends = (number(c.mean[0]), number(c.mean[-1]), band, theory_of(c))
            out.add_row(name, c.model, c.loop, *ends)
        out.add_section()
    return out


def theory_of(curve: Curve) -> str:
    """What theory says of the last generation, in a word."""
    from collapse_theory.cli.console import number

    if curve.theory is not None:
        return f"{number(curve.theory[-1])} (approx.)"
    return "no theorem" if curve.model == "transformer" else ""


def document(preset: TextPreset, curves: list[Curve], seeds: int) -> dict[str, Any]:
    """The curves for JSON."""
    from collapse_theory.config.writing import member_table
    from collapse_theory.families.text_rows import text_of

    text = text_of(preset.family)
    keys = ("model", "loop", "observable", "seeds", "mean", "low", "high", "theory")
    return {
        "family": member_table(preset.family, "family"),
        "truth": member_table(preset.truth, "truth"),
        "text": {"digest": text.digest, "symbols": len(text.alphabet)},
        "n": preset.n,
        "seeds": seeds,
        "curves": [{k: getattr(c, k) for k in keys} for c in curves],
        "apart": judged(curves),
    }


def write_csv(curves: list[Curve], path: Path) -> None:
    """One line for each curve and generation."""
    lines = ["model,loop,observable,generation,mean,low,high,theory,seeds"]
    for c in curves:
        for i, mean in enumerate(c.mean):
            known = "" if c.theory is None else f"{c.theory[i]:.9g}"
            numbers = f"{i + 1},{mean:.9g},{c.low[i]:.9g},{c.high[i]:.9g},{known},{c.seeds}"
            lines.append(f"{c.model},{c.loop},{c.observable},{numbers}")
    path.write_text("\n".join(lines) + "\n", "utf-8")


def draw(curves: list[Curve], path: Path) -> None:
    """Four observables, a panel each; the same curves give the same file."""
    from matplotlib.figure import Figure

    from collapse_theory import figures
    from collapse_theory.cli.drawing import save_figure

    names = [name for name in DRAWN if any(c.observable == name for c in curves)]
    figure = Figure(figsize=(11, 8), layout="constrained")
    labels: dict[str, Any] = {}
    for ax, name in zip(figure.subplots(2, 2).flat, names, strict=False):
        legend = figures.loops(ax, curves, name).get_legend()
        labels |= dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
        if legend is not None:
            legend.remove()  # one for all panels
    figure.legend(
        labels.values(), labels.keys(), loc="outside lower center", ncols=3, frameon=False
    )
    save_figure(figure, path, "--out")
