"""Sphinx builds the documentation site: `make docs`."""

import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path[:0] = [str(ROOT), str(DOCS / "_ext")]

import generate  # noqa: E402

import pat_nb  # noqa: E402

generate.write_all(ROOT, DOCS / "_generated")

project, author = "pat_nb", "The pat_nb developers"
copyright = "The pat_nb developers, Apache-2.0"
version = release = pat_nb.__version__
extensions = [
    "sphinx.ext.autodoc",
    "myst_nb",
    "sphinx_copybutton",
    "sphinx_design",
    "docments",
    "mathml",
]
exclude_patterns = ["_build", "_ext", "_generated/*.md"]  # the pages include the latter
default_role = "code"
templates_path: list[str] = []
nitpicky = False  # type annotations name classes of other libraries; own links are checked by MyST

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_render_markdown_format = "myst"
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type", "misc.highlighting_failure"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
autodoc_default_options = {"members": True, "show-inheritance": True}


def rewrite_links(app, docname, source):
    "Links to notebooks of the repository, which work on GitHub, become links to their pages."
    source[0] = source[0].replace("](../nbs/", "](_generated/notebooks/")


def setup(app):
    app.connect("source-read", rewrite_links)


html_theme = "pydata_sphinx_theme"
html_title = "pat_nb"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["_generated/extra"]
html_math_renderer = "mathml"
html_show_sourcelink = False
ALONE = ("start", "losses", "data", "models", "training", "predict", "settings", "integrations")
html_sidebars = {page: [] for page in (*ALONE, "distributed", "paper", "results", "notebooks")}  # pages without others
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "show_nav_level": 1,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
