"""One self-contained page of a report: a template filled in, with its style, written whole."""

from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from lidar_label import __version__
from lidar_label.datasets.whole_files import written_whole


def write_page(path: Path, template: str, *, title: str, **values: Any) -> Path:
    """Fill in a template of `templates/`, which builds on `page.html`, and write it.

    Args:
        path: Of the page.
        template: Name of the file.
        title: Of the page.
        values: What else the template names; the version and the style are given to all.

    Returns:
        The path.

    Raises:
        UsageError: if it cannot be written; NoSpace if the disk is full.
    """
    style = template_text("report.css")
    filled = _environment().get_template(template)
    page = filled.render(title=title, version=__version__, style=style, **values)
    with written_whole(path) as partial:
        partial.write_text(page, encoding="utf-8")
    return path


def template_text(name: str) -> str:
    """A file of the templates' folder."""
    return resources.files("lidar_label.viewers").joinpath("templates", name).read_text("utf-8")


def _environment() -> jinja2.Environment:
    """Where the pages' templates are found, and how they write numbers."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(template_text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = figure
    environment.filters["share"] = lambda value: "–" if value != value else f"{value:.0%}"
    return environment


def figure(value: float, digits: int = 2) -> str:
    """A number for people, a dash for NaN."""
    return "–" if value != value else f"{value:.{digits}f}"
