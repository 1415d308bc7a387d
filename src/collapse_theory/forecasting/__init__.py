"""What recursive training would do to a user's own column of data: nothing leaves the machine."""

from collapse_theory.forecasting.columns import Column, read_column
from collapse_theory.forecasting.fitting import Fitted, fit_column
from collapse_theory.forecasting.looking_ahead import Forecast, Spread, Vanishing, forecast
from collapse_theory.forecasting.remedies import Remedy

__all__ = [
    "Column", "Fitted", "Forecast", "Remedy", "Spread", "Vanishing", "fit_column", "forecast",
    "read_column",
]  # fmt: skip
