"""The benchmark behind ``collapse bench``: ours, NumPy and a ceiling in turn, in one run.

Not imported by the library. A ratio is formed within a round, so what disturbs a machine disturbs
both of its terms; the median over rounds is reported.
"""

# NumPy's baselines have one core: to be set before NumPy is imported, which this file does not do;
# processes that are measured do without
ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
