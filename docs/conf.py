"""Settings of the documentation."""

import gc
import os
import sys
import warnings
from functools import partial
from importlib.metadata import metadata
from pathlib import Path

from jinja2 import FileSystemBytecodeCache
from jinja2.sandbox import SandboxedEnvironment
from numpydoc import docscrape_sphinx

from skneural import __version__

project = "skneural"
author = "The skneural developers"
copyright = "2026, The skneural developers"
release = __version__

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))
extensions = [
    "initials",
    "matplotlib.sphinxext.plot_directive",
    "numpydoc",
    "parameter_table",
    "source_links",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "sphinx.ext.mathjax",
    # Brings MathJax along, so that formulas need no network.
    "sphinx-mathjax-offline",
    "mathjax_parts",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
# References to what is ours have to find it; those to others do where there is a network.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!skneural\.).*")]

# Quotes in types and signatures are code.
smartquotes = False

# ---------------------------------------------------------------- docstrings

autodoc_typehints = "none"
# There are none; to find that out, every source is parsed.
autodoc_use_type_comments = False
autodoc_member_order = "bysource"
autosummary_generate = True
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
# For each docstring numpydoc compiles its template anew, for a fifth of the time of a build.
docscrape_sphinx.SandboxedEnvironment = partial(
    SandboxedEnvironment, bytecode_cache=FileSystemBytecodeCache()
)

# ---------------------------------------------------------------- links to other projects

if "READTHEDOCS" in os.environ:
    # Needs their inventories from the network, which a build elsewhere goes without.
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "numpy": ("https://numpy.org/doc/stable/", None),
        "python": ("https://docs.python.org/3/", None),
        "scipy": ("https://docs.scipy.org/doc/scipy/", None),
        "sklearn": ("https://scikit-learn.org/stable/", None),
    }

# ---------------------------------------------------------------- gallery

# What an example warns of belongs to what it shows, and is no warning of the build.
warnings.filterwarnings("ignore", category=UserWarning, module="matplotlib")

# Running the examples takes a third of the time of a build. With SKNEURAL_GALLERY=shown only those
# are run whose pictures other pages show; of the others the gallery has text and code.
EXAMPLES_TO_RUN = {"all": r"plot_", "shown": r"plot_(displays|getting_started)"}

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": EXAMPLES_TO_RUN[os.environ.get("SKNEURAL_GALLERY", "all")],
    "ignore_pattern": r"(serve|out_of_core\w*|digits_pipeline|__init__)\.py",
    "within_subsection_order": "gallery_order.ReadingOrder",
    "download_all_examples": False,
    # Which examples use what, for the pages of the classes.
    "backreferences_dir": "gallery/backreferences",
    "doc_module": ("skneural",),
    "abort_on_example_error": True,
    "min_reported_time": 1e9,
    "show_memory": False,
    # A page of times that nobody asks for, found by every search, with scripts from a CDN.
    "write_computation_times": False,
    # Tables, but not "<matplotlib.legend.Legend object at 0x7f...>" of what a block ends with.
    "capture_repr": ("_repr_html_",),
    "show_signature": False,
    "remove_config_comments": True,
}

# ---------------------------------------------------------------- pictures of the course

# Drawn by the build from the scripts in docs/course/pictures.
plot_include_source = False
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 150)]

# ---------------------------------------------------------------- pages

#: Where the sources are, once they are published: from [project.urls] of pyproject.toml.
addresses = dict(each.split(", ", 1) for each in metadata("skneural").get_all("Project-URL") or [])

html_theme = "pydata_sphinx_theme"
html_title = f"skneural {release}"
html_theme_options = {
    "show_prev_next": False,
    "navigation_with_keys": False,
    "secondary_sidebar_items": {
        "**": ["page-toc"],
        # Pages of the gallery are short, and their lines of code long.
        **{f"gallery/{path.stem}": [] for path in Path(__file__).parent.glob("../examples/*.py")},
    },
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
if "Repository" in addresses:
    html_theme_options["github_url"] = addresses["Repository"]
# Pages without others below them.
html_sidebars = {"getting_started": []}
html_show_sourcelink = False
toc_object_entries_show_parents = "hide"
html_context = {"default_mode": "auto"}
html_static_path = ["_static"]
html_css_files = ["skneural.css"]
copybutton_exclude = ".linenos, .gp, .go"


# ---------------------------------------------------------------- the build itself


def collect_no_garbage(app):
    """Keep the collector from looking through what is there, again and again.

    A build makes millions of small objects, most of which stay to its end: a fifth of the time went
    into looking through them, to save less than a gigabyte. The gallery collects after each example
    all the same.
    """
    gc.collect()
    gc.freeze()
    gc.disable()


def leave_garbage_behind(app, exception):
    """Keep Python from looking through all of them once more when it exits."""
    gc.freeze()


def setup(app):
    """Called by Sphinx; the gallery runs at the first of these events, later."""
    app.connect("builder-inited", collect_no_garbage, priority=0)
    app.connect("build-finished", leave_garbage_behind, priority=1000)
