"""Where the HTML representation of an estimator links to: its page in our documentation."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, metadata


def documentation_link_template() -> str:
    """The address of the page of an estimator, once the documentation has an address; else ''."""
    address = documentation_address()
    return f"{address}/generated/skneural.{{estimator_name}}.html" if address else ""


@cache
def documentation_address() -> str:
    """The address that the package gives for its documentation; '' if it gives none."""
    try:
        urls = metadata("skneural").get_all("Project-URL") or []
    except PackageNotFoundError:  # the sources, without having been installed
        return ""
    labelled = dict(url.split(", ", 1) for url in urls)
    address: str = labelled.get("Documentation", "")
    return address.rstrip("/")
