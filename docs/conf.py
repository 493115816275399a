"""Settings of Sphinx: ``sphinx-build -W docs docs/_build/html`` runs all tutorials and examples, and takes minutes."""

import inspect
import os
import re
import sys
import warnings
from dataclasses import is_dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import links
import matplotlib
from sphinx.util.inspect import stringify_signature

matplotlib.use("Agg")

import gifpop

warnings.filterwarnings("ignore", "Provided for backward compatibility only")  # nest.set_verbosity, in examples

project = "gifpop"
author = "the gifpop developers"
copyright = "the gifpop developers"
release = version = gifpop.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx_gallery.gen_gallery",
    "myst_parser",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "dead_links",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "tutorials"]

# Pages are Markdown, the text of galleries and docstrings is reStructuredText.
myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath", "attrs_inline"]
myst_heading_anchors = 3
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}

# Docstrings have the types, with units and shapes.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False  # methods that a base describes are not repeated for each class
default_role = "py:obj"
numpydoc_show_class_members = False
numpydoc_validation_checks = {
    "all",
    "ES01",  # an extended summary
    "EX01",  # an example for each
    "GL01",  # summaries begin on the line of the quotes
    "SA01",  # see also
}

intersphinx_mapping = links.inventories(Path(__file__).with_name("links.txt"))

sphinx_gallery_conf = {
    "examples_dirs": ["tutorials", "../examples"],
    "gallery_dirs": ["auto_tutorials", "auto_examples"],
    "filename_pattern": r"\.py$",
    "ignore_pattern": r"sweep_slurm\.py$",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "backreferences_dir": "reference/backreferences",
    "doc_module": ("gifpop",),
    "reference_url": {"gifpop": None},
    "remove_config_comments": True,
    "capture_repr": (),  # pages show what scripts print
    "min_reported_time": 1,
    "show_signature": False,
    "download_all_examples": False,
    "plot_gallery": os.environ.get("GIFPOP_DOCS_GALLERY", "True"),
}

html_theme = "pydata_sphinx_theme"
html_title = f"gifpop {release}"
html_static_path = ["_static"]
html_css_files = ["gifpop.css"]
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "tango",
}
html_show_sourcelink = False
html_sidebars = {"install": []}


def signature_of_dataclass(app, what, name, obj, options, signature, returns):
    """Show the parameters of dataclasses, whose ``__new__``, which autodoc would show, takes whatever it is given."""
    if what != "class" or not is_dataclass(obj):
        return None
    return stringify_signature(inspect.signature(obj), show_annotation=False, show_return_annotation=False), None


def link_pages(app, what, name, obj, options, lines):
    """Link the pages that a docstring names by their files."""
    lines[:] = [re.sub(r"\bdocs/(\w+)\.md", r":doc:`/\1`", line) for line in lines]


def setup(app):
    app.connect("autodoc-process-signature", signature_of_dataclass)
    app.connect("autodoc-process-docstring", link_pages)
