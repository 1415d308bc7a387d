"""What is often said of model collapse, and what exact theory answers.

The claims are put in our own words; a claim may hold, hold under a condition, or fail.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """Something people say, and the statements that decide it.

    Args:
        name: the claim in a few words.
        said: where: a glossary, a blog, or the abstract of a paper.
        answer: what theory says.
        decides: ids of the statements, each with its own verdict.
    """

    name: str
    said: str
    answer: str
    decides: tuple[str, ...]


DIVERSITY = Claim(
    "Models lose diversity step by step", "glossary",
    "Yes, at a known rate: with n rows in each generation the chance that two draws differ falls "
    "by the factor 1 - 1/n. Where all data are kept it settles above 0.",
    ("seddik2024.S_fully_synthetic", "discrete.heterozygosity"),
)  # fmt: skip
TAILS = Claim(
    "Rare cases vanish first", "glossary",
    "Yes. The mean probability of a rare symbol does not change at all; it is the number of rare "
    "symbols still alive that falls.",
    ("derived.first_extinction_exact", "engine.lumping.tail_recall", "expfam.mean_martingale"),
)  # fmt: skip
MODE = Claim(
    "The output ends at the most probable symbol", "glossary",
    "No, not without a bias: the last symbol is i with its true probability. A sampler that "
    "sharpens or a curator does end at the mode.",
    ("seddik2024.fixation_probability", "derived.temperature_threshold"),
)  # fmt: skip
FRESH = Claim(
    "Retraining on authentic data helps", "glossary",
    "Yes: any share of new real rows bounds the error for ever.",
    ("engine.fresh_covariance", "derived.fresh_mix_L2", "augment.fixed_real"),
)  # fmt: skip
SHARE = Claim(
    "A small share of synthetic data does great harm", "blog",
    "No for unbiased counts and means: a tenth of synthetic rows costs about a hundredth. Where "
    "the synthetic labels are biased, yes: a floor remains that no amount of data removes.",
    ("derived.small_share_effect", "dohmatob2025strong.ridge_mix_DE"),
)  # fmt: skip
POINT = Claim(
    "A single real data point helps", "blog",
    "Yes if it is a new one in each generation: two thirds of the diversity stay. The same point "
    "for ever keeps nothing.",
    ("derived.single_real_point", "errata.one_fixed_point"),
)  # fmt: skip
BIAS = Claim(
    "Errors and biases are amplified", "blog",
    "Two different things. Sampling errors add up as variance and leave the mean alone; a biased "
    "sampler multiplies its bias in every generation.",
    ("expfam.mean_martingale", "derived.temperature_power", "alemohammad2023.fully_synthetic"),
)  # fmt: skip
ALONE = Claim(
    "Collapse is certain on synthetic data alone", "abstract of Seddik et al. 2024",
    "Yes where each fit replaces the data, after about 2n generations. Not where all data are "
    "kept: the diversity then has a positive limit.",
    ("seddik2024.collapse_time_bounds", "wf.collapse_time", "kazdan2024.accumulate_gaussian"),
)  # fmt: skip
AMOUNT = Claim(
    "There is a safe amount of synthetic data", "abstract of Seddik et al. 2024",
    "Yes, and it can be computed: beside N real rows that stay, the exact amount for a given error "
    "is far above what the published bound allows.",
    ("derived.partial_max_synthetic", "seddik2024.partial_deviation_bound"),
)  # fmt: skip
RECENT = Claim(
    "Training on several past models slows collapse", "Seddik et al. 2024, experiments",
    "Yes, by a factor that grows with the number of models.",
    ("seddik2024.most_recent_models", "seddik2024.randomly_sampled", "sliding_window.effective"),
)  # fmt: skip
VERIFICATION = Claim(
    "Verification prevents collapse", "abstracts of 2024 and 2025",
    "It moves the end of the chain to what the verifier believes, which is the truth only if the "
    "verifier is right. For classifiers there is a sharp share of wrong labels beyond which "
    "pruning cannot help.",
    ("yi2025.verifier_contraction", "feng2024.bisector", "feng2024.breakdown_point"),
)  # fmt: skip
