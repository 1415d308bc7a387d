"""``collapse plan``: how much synthetic data, which weight, which loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collapse_theory.cli.options import Count, Flag, Json

if TYPE_CHECKING:
    from collapse_theory.planning import Advice, Certificate


def plan(
    *,
    family: str,
    real: Count,
    truth: str = "",
    fixed: bool = True,
    synthetic: Count | None = None,
    generations: Count = 50,
    inflation: float | None = None,
    l1: float | None = None,
    diversity: float | None = None,
    all_alive: float | None = None,
    tail_recall: float | None = None,
    budget: Count | None = None,
    generator: str = "Faithful",
    verifier: tuple[float, float] | None = None,
    wrong: float | None = None,
    certify: Flag = False,
    seed: int = 0,
    as_json: Json = False,
    no_cache: Flag = False,
) -> int:
    """Answer from exact theory what may be done with so many real rows.

    Args:
        family: The model, by name, or as TOML: '{name = "Gaussian", ddof = 0}'.
        real: Rows of real data.
        truth: The true parameters as TOML, such as '{probs = [0.7, 0.2, 0.1]}'; the family's own if
            left out.
        fixed: The real data are one corpus for ever; with --no-fixed new ones come in each
            generation.
        synthetic: Rows drawn from each fit, where a question needs a number; as many as real ones
            if left out.
        generations: The horizon of answers that do not hold for ever.
        inflation: Largest risk allowed, over that of the real data alone: 1.3 is 30 % more.
        l1: Largest mean l1 distance allowed between a fit over symbols and the first fit.
        diversity: Smallest share of the true diversity (Gini index) to keep; with a generator that
            changes the variance, of the variance.
        all_alive: Smallest probability that no symbol is lost.
        tail_recall: Smallest mean share of the rarest symbols, those that hold 5 % of the mass, to
            keep.
        budget: Synthetic rows of all generations together, to be spread over them.
        generator: How synthetic rows leave a fit, as TOML: '{name = "Scaled", factor = 0.9}'.
        verifier: Chances that a verifier keeps a right row, and a wrong one: 0.9 0.2.
        wrong: Share of the synthetic rows that are wrong before the verifier sees them.
        certify: Simulate just inside and just outside every limit.
        seed: Of the simulation.
        as_json: Print JSON instead of text.
        no_cache: Do not keep compiled programs for the next run.
    """
    from collapse_theory.cli.console import print_json, stdout
    from collapse_theory.cli.session import begin

    begin(cache=not no_cache)
    from collapse_theory import planning
    from collapse_theory.config.reading import family_and_truth, generator_of

    model, law = family_and_truth(family, truth)
    found = planning.plan(
        model, real=real, truth=law, fixed=fixed, synthetic=synthetic, generations=generations,
        inflation=inflation, l1=l1, diversity=diversity, all_alive=all_alive,
        tail_recall=tail_recall, budget=budget, generator=generator_of(generator),
        verifier=verifier, wrong=wrong,
    )  # fmt: skip
    wanted = [a for a in found if certify and a.limit is not None]
    certificates = {a.name: planning.certify(a, seed=seed) for a in wanted}
    if as_json:
        print_json(document(found, certificates))
    else:
        for advice in found:
            stdout().print(f"{advice.name}: {advice.words}", style="bold")
            for line in basis(advice, certificates.get(advice.name)):
                stdout().print(f"    {line}")
    return 0 if all(c.holds for c in certificates.values()) else 1


def document(found: list[Advice], certificates: dict[str, Certificate]) -> dict[str, Any]:
    """Answers for JSON: values by name ("unlimited", or null where nothing serves), then all."""
    facts = ("name", "unit", "words", "theory", "holds", "conditions", "changes", "table")
    values = {a.name: "unlimited" if a.value == float("inf") else a.value for a in found}
    rows = [
        {f: getattr(a, f) for f in facts}
        | {"value": values[a.name]}
        | ({"certificate": vars(certificates[a.name])} if a.name in certificates else {})
        for a in found
    ]
    return {**values, "advice": rows}


def basis(advice: Advice, certificate: Certificate | None) -> list[str]:
    """What an answer rests on."""
    lines = [
        f"{advice.holds}: {', '.join(advice.theory)}",
        f"if: {advice.conditions}",
        f"changed by: {advice.changes}",
    ]
    if certificate is not None:
        verdict = "certified" if certificate.holds else "NOT certified"
        further = certificate.outside
        lost = "" if further is None else f", lost by {further:.1f} one row further"
        lines.append(
            f"{verdict} by {certificate.chains:,} chains, in standard errors: kept by "
            f"{certificate.inside:.1f} here{lost}"
        )
    return lines
