"""The catalogue's verdicts as one HTML file that needs nothing besides itself."""

from collapse_theory.report.building import check_target, write_report

__all__ = ["check_target", "write_report"]
