"""Look for dead links inside of the built site: ``python .ci/links.py FOLDER``.

Each file that a page or a style sheet refers to has to be there, and each anchor on its page. Links
to other sites are not followed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

IN_STYLES = re.compile(r"url\(\s*[\"']?([^\"')]+)")


class Page(HTMLParser):
    """Where a page leads, and its anchors.

    Parameters
    ----------
    html : str
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.targets: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what leads somewhere, and what is led to; called by `feed`."""
        for name, value in attrs:
            if value is None:
                continue
            if name in ("href", "src"):
                self.targets.add(value)
            elif name == "srcset":
                self.targets.update(each.split()[0] for each in value.split(","))
            elif name == "id" or (name == "name" and tag == "a"):
                self.anchors.add(value)


def dead_links(site: Path) -> Iterator[str]:
    """What leads to a file or an anchor that is not there."""
    pages = {
        path: Page(path.read_text("utf-8"))
        for path in sorted(site.rglob("*.html"))
        if "_static" not in path.parts  # templates of the theme
    }
    targets = {path: page.targets for path, page in pages.items()}
    for path in site.rglob("*.css"):
        targets[path] = set(IN_STYLES.findall(path.read_text("utf-8")))
    n_inside = 0
    for path, of_file in targets.items():
        for target in sorted(of_file):
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            n_inside += 1
            found = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not found.is_file():
                yield f"{path.relative_to(site)}: {target}: no such file"
            elif anchor and found in pages and anchor not in pages[found].anchors:
                yield f"{path.relative_to(site)}: {target}: no such anchor"
    print(f"{n_inside} links inside of the site, on {len(pages)} pages")


def main() -> int:
    """Print dead links; 1 if there are any."""
    found = list(dead_links(Path(sys.argv[1]).resolve()))
    for each in found[:50]:
        print(each)
    print(f"{len(found)} of them are dead")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
