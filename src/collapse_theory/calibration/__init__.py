"""Are verdicts as rarely wrong as they say? Rates over many independent runs."""
