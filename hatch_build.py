"""What PyPI shows of the README: hatchling calls this when it collects the package's metadata.

A link such as ``docs/tables.rst`` leads somewhere on the pages of the repository, and nowhere on
PyPI. There it has to be an address. All addresses follow from ``[project.urls]`` of pyproject.toml;
as long as there is no such table, because nothing is published, links stay as they are.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

#: A block of code or code in a line, which are left alone, or the target of a link or picture.
CODE_OR_TARGET = re.compile(
    r"^```.*?^```|`[^`\n]+`|\]\((?P<target>[^)\s]+)\)", re.DOTALL | re.MULTILINE
)
PICTURES = (".png", ".svg")


class ReadmeOfPyPI(MetadataHookInterface):
    """Makes the field `readme` of the metadata."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the text of the README, with addresses if there are any."""
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        if urls := metadata.get("urls"):
            if missing := {"Repository", "Documentation"} - urls.keys():
                raise ValueError(f"[project.urls] of pyproject.toml has no {sorted(missing)}.")
            addresses = Addresses(Path(self.root), urls, metadata["version"])
            text = CODE_OR_TARGET.sub(addresses.in_place_of_target, text)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


class Addresses:
    """Addresses of the files of the repository.

    Parameters
    ----------
    root : Path
        Of the sources.
    urls : dict
        ``[project.urls]``, with ``Repository`` and ``Documentation``.
    version : str
        Its sources are those that links lead to.
    """

    def __init__(self, root: Path, urls: dict[str, str], version: str) -> None:
        self.root = root
        self.repository = urls["Repository"].rstrip("/")
        self.documentation = urls["Documentation"].rstrip("/")
        self.tag = f"v{version}"

    def in_place_of_target(self, match: re.Match[str]) -> str:
        """What takes the place of something that `CODE_OR_TARGET` matches."""
        target = match["target"]
        return match[0] if target is None else f"]({self.of(target)})"

    def of(self, target: str) -> str:
        """The address of a file or folder; pages of the documentation are on its site."""
        if target.startswith(("https://", "http://", "mailto:", "#")):
            return target
        name, hash_sign, anchor = target.partition("#")
        path = PurePosixPath(name)
        if path.parts[0] == "docs" and path.suffix == ".rst":
            page = path.relative_to("docs").with_suffix(".html")
            return f"{self.documentation}/{page}{hash_sign}{anchor}"
        if path.suffix in PICTURES:
            return f"{self.repository}/raw/{self.tag}/{path}"
        kind = "tree" if (self.root / path).is_dir() else "blob"
        return f"{self.repository}/{kind}/{self.tag}/{path}{hash_sign}{anchor}"
