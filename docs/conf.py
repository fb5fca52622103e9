"""How Sphinx makes the site: ``python -m sphinx -W --keep-going -n docs build/site``.

Docstrings are in Google's style (``Args:``, ``Returns:``), which napoleon reads; numpydoc reads
NumPy's style only.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "extensions"))

from sphinx.application import Sphinx  # noqa: E402

from mlgenn_delays.engines.genn import availability  # noqa: E402
from mlgenn_delays.version import __version__  # noqa: E402

# while modules are imported for the reference, PyGeNN and mlGeNN are replaced by stand-ins (see
# autodoc_mock_imports), which have no versions to check
_require_ml_genn = availability.require_ml_genn
availability.require_ml_genn = lambda: None


def setup(app: Sphinx) -> None:
    def check_again(app: Sphinx) -> None:
        availability.require_ml_genn = _require_ml_genn

    app.connect("builder-inited", check_again, priority=450)


project = "mlgenn_delays"
author = "the mlgenn_delays developers"
copyright = author
release = version = __version__

extensions = [
    "github_links",
    "internal_links",
    "mathml",
    "myst_parser",
    "reference",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "type_hints",
]
exclude_patterns = ["extensions", "tutorials"]
nitpicky = True

# --- Markdown, as GitHub reads it, too
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
myst_links_external_new_tab = False
html_math_renderer = "mathml"

# --- the reference
reference_roots = ["mlgenn_delays", "mlgenn_delays.models", "mlgenn_delays.experiments"]
autodoc_mock_imports = ["ml_genn", "pygenn"]
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
autosummary_generate = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

# --- tutorials are executed while the site is built; -D plot_gallery=0 leaves that out
sphinx_gallery_conf = {
    "examples_dirs": "tutorials",
    "gallery_dirs": "auto_tutorials",
    "filename_pattern": r"tutorial_\d",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "remove_config_comments": True,
    "write_computation_times": False,
}

# --- how it looks
html_theme = "pydata_sphinx_theme"
html_title = project
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
# pages without neighbours need no list of them
html_sidebars = {name: [] for name in ("compatibility", "getting-started", "index")}
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
}
