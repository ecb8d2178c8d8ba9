"""How `make docs` builds the documentation: every page is Markdown, the reference comes from the docstrings."""

import autocron

project = "autocron"
author = "the autocron developers"
copyright = author  # noqa: A001  (the name is the generator's)
version = release = autocron.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
html_theme = "furo"
html_title = f"autocron {release}"
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# Names in signatures are shown as they are written, and members in the order of the source: it is the order of use.
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_use_legacy_class_based = False
python_maximum_signature_line_length = 100
