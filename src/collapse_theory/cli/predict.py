"""``collapse predict``: what theory says of an experiment file, without a random number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collapse_theory.cli.options import ExperimentFile, Json

if TYPE_CHECKING:
    from rich.table import Table

    from collapse_theory.prediction import Prediction


def predict(file: ExperimentFile, /, *, as_json: Json = False) -> int:
    """Print every published or exact prediction that covers an experiment.

    Args:
        file: The experiment.
        as_json: Print JSON instead of a table.
    """
    from collapse_theory.cli.console import print_json, stdout
    from collapse_theory.cli.session import begin

    begin(cache=False)
    from collapse_theory.config import load_experiment
    from collapse_theory.prediction import predict as all_predictions

    predictions = all_predictions(load_experiment(file))
    if as_json:
        print_json({"predictions": [row(p) for p in predictions]})
    elif predictions:
        stdout().print(table(predictions))
    else:
        stdout().print("no theorem of the package covers this experiment")
    return 0


def row(prediction: Prediction) -> dict[str, Any]:
    """A prediction for JSON."""
    theorem = prediction.theorem
    return {
        "theorem": theorem.name,
        "kind": theorem.kind.value,
        "observable": theorem.observable.name,
        "generations": prediction.generations,
        "values": prediction.values,
        "citation": theorem.source.key,
    }


def table(predictions: list[Prediction]) -> Table:
    """Predictions at some of the generations, a row for each theorem."""
    from rich import box
    from rich.table import Table

    from collapse_theory.cli.console import number, some_generations

    shown = some_generations(len(predictions[0].generations))
    out = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("observable", "theorem", "kind"):
        out.add_column(heading, no_wrap=True)
    for t in shown:
        out.add_column(f"t = {t}", justify="right", no_wrap=True)
    for p in sorted(predictions, key=lambda p: p.theorem.observable.name):
        values = [number(float(p.values[t - 1])) for t in shown]
        out.add_row(p.theorem.observable.name, p.theorem.name, p.theorem.kind.value, *values)
    return out
