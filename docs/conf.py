"""The site: tutorials from notebooks, a reference from docstrings, the catalogue if there is one.

``python -m sphinx -W -q docs build/site`` builds it, without a network; every warning is an error.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

import collapse_theory

project = "collapse_theory"
release = collapse_theory.__version__
extensions = [
    "myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon",
    "generated", "docstrings", "mathml", "offline",
]  # fmt: skip

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
add_module_names = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # attributes are properties too, which are documented once

html_theme = "furo"
html_title = "collapse_theory"
html_math_renderer = "mathml"
html_copy_source = False
html_show_copyright = False
