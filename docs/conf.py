"""Settings of the documentation."""

from skneural import __version__

project = "skneural"
author = "The skneural developers"
copyright = "2026, The skneural developers"
release = __version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.mathjax", "sphinx.ext.napoleon"]
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

html_theme = "alabaster"
html_theme_options = {
    "description": "Neural networks for scikit-learn, in readable NumPy",
    "page_width": "1000px",
}
html_title = f"skneural {release}"
exclude_patterns = ["_build"]
nitpicky = False
