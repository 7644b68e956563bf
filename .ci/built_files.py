"""Look at a built sdist and wheel: what they hold, and what PyPI will show.

``python .ci/built_files.py FOLDER`` in an environment with the dependency group "build". With
``--release TAG`` also whether they can be published as the release of that tag.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.metadata import Distribution, PackageMetadata
from pathlib import Path
from tempfile import TemporaryDirectory

from build.util import project_wheel_metadata
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[1]
URLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"].get("urls", {})

#: What the sdist does without: settings of services around a repository.
NOT_IN_SDIST = (".github/", ".pre-commit-config.yaml", ".readthedocs.yaml")
#: What the README's links are tried with as long as there are no addresses.
EXAMPLE_URLS = {"Repository": "https://example.org/code", "Documentation": "https://example.org/en"}


# ---------------------------------------------------------------- what they hold


def wrong_in_sdist(packed: set[str]) -> Iterator[str]:
    """What the sdist lacks of the repository's files, and what it has beside them."""
    if not (ROOT / ".git").exists():
        print("sdist: not compared with git's list of files, since this is no clone")
        return
    wanted = {name for name in git_files() if not name.startswith(NOT_IN_SDIST)}
    yield from (f"sdist: {name} is missing" for name in sorted(wanted - packed))
    # New files, which git has not been told of yet, are no mistake.
    known = wanted | git_files("--others", "--exclude-standard") | {"PKG-INFO"}
    yield from (f"sdist: {name} is not in the repository" for name in sorted(packed - known))


def git_files(*options: str) -> set[str]:
    """Files that `git ls-files` lists, but for deleted ones."""
    command = ["git", "ls-files", "-z", *options]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return {name for name in listed.split("\0") if (ROOT / name).is_file()}


def wrong_in_wheel(path: Path, in_sdist: set[str]) -> Iterator[str]:
    """Whether the wheel is for every system, and holds the package and nothing else."""
    with zipfile.ZipFile(path) as wheel:
        packed = set(wheel.namelist())
        info = next(name.removesuffix("/WHEEL") for name in packed if name.endswith("/WHEEL"))
        pure = b"Root-Is-Purelib: true" in wheel.read(f"{info}/WHEEL")
    if not pure or not path.name.endswith("-py3-none-any.whl"):
        yield "wheel: not one for every system"
    wanted = {f"{info}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "licenses/LICENSE")}
    wanted |= {name for name in in_sdist if name.startswith("skneural/")}
    yield from (f"wheel: {name} is missing" for name in sorted(wanted - packed))
    yield from (f"wheel: {name} does not belong there" for name in sorted(packed - wanted))
    for name in sorted(packed):
        if name.startswith("skneural/") and not name.endswith((".py", "/py.typed")):
            yield f"wheel: {name} is neither Python nor py.typed"


# ---------------------------------------------------------------- what PyPI will show


class Links(HTMLParser):
    """Where links and pictures of HTML lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.pictures: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where an element leads; called by `feed`."""
        for name, value in attrs:
            if value and name in ("href", "src"):
                (self.links if name == "href" else self.pictures).append(value)


def links_of(markdown: str) -> Links:
    """Those of a text as it is shown."""
    return Links(MarkdownIt().enable("table").render(markdown))


def wrong_on_pypi(shown: PackageMetadata, urls: dict[str, str]) -> Iterator[str]:
    """What is not an address, or not that of a file of the repository or of a page of the site."""
    repository, site = (urls[name].rstrip("/") for name in ("Repository", "Documentation"))
    sources = [f"{repository}/{kind}/v{shown['Version']}/" for kind in ("blob", "tree", "raw")]
    found, meant = links_of(text_of(shown)), links_of((ROOT / "README.md").read_text("utf-8"))
    if [len(found.links), len(found.pictures)] != [len(meant.links), len(meant.pictures)]:
        yield "README: links were lost"
    for link in found.links + found.pictures:
        base = next((each for each in sources if link.startswith(each)), None)
        if base:
            path = ROOT / link.removeprefix(base).partition("#")[0]
            is_right = path.is_dir() if "/tree/" in base else path.is_file()
            is_right = is_right and ("/raw/" in base) == (link in found.pictures)
        elif link.startswith(f"{site}/"):
            page = link.removeprefix(f"{site}/").partition("#")[0]
            is_right = (ROOT / "docs" / page).with_suffix(".rst").is_file()
        else:
            is_right = link.startswith(("https://", "http://"))
        if not is_right:
            yield f"README on PyPI: {link} leads nowhere"


def text_of(metadata: PackageMetadata) -> str:
    """The long description."""
    return str(metadata.json["description"])


def metadata_of(wheel: Path) -> PackageMetadata:
    """What PyPI learns from a wheel."""
    with TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as opened:
        opened.extractall(folder)
        (info,) = Path(folder).glob("*.dist-info")
        return Distribution.at(info).metadata


def metadata_with_example_urls(sdist: Path) -> PackageMetadata:
    """What PyPI would learn if the project had addresses."""
    with TemporaryDirectory() as folder, tarfile.open(sdist) as opened:
        opened.extractall(folder, filter="data")
        (sources,) = Path(folder).iterdir()
        (sources / "PKG-INFO").unlink()  # has what was made without them
        with (sources / "pyproject.toml").open("a") as settings:
            settings.write("\n[project.urls]\n")
            settings.writelines(f'{name} = "{url}"\n' for name, url in EXAMPLE_URLS.items())
        return project_wheel_metadata(sources, isolated=False)


def wrong_for_release(shown: PackageMetadata, tag: str) -> Iterator[str]:
    """What has to be set before it is published; CONTRIBUTING.md says where."""
    for name in EXAMPLE_URLS.keys() - URLS.keys():
        yield f"pyproject.toml: [project.urls] has no {name}"
    if tag != f"v{shown['Version']}":
        yield f"the tag is {tag}, but links lead to v{shown['Version']}"


# ---------------------------------------------------------------- all of it


def wrong(folder: Path, tag: str | None) -> Iterator[str]:
    """Everything that is wrong."""
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    with tarfile.open(sdist) as opened:
        packed = {member.name.partition("/")[2] for member in opened if member.isfile()}
    yield from wrong_in_sdist(packed)
    yield from wrong_in_wheel(wheel, packed)
    shown = metadata_of(wheel)
    if tag is not None:
        yield from wrong_for_release(shown, tag)
    if not URLS:
        if text_of(shown).strip() != (ROOT / "README.md").read_text("utf-8").strip():
            yield "README: changed, although there are no addresses"
        shown = metadata_with_example_urls(sdist)
    yield from wrong_on_pypi(shown, URLS or EXAMPLE_URLS)
    size = f"{sdist.stat().st_size / 1e6:.1f} MB, wheel {wheel.stat().st_size / 1e6:.1f} MB"
    print(f"sdist: {len(packed)} files, {size}")


def main() -> int:
    """Print what is wrong; 1 if anything is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--release", metavar="TAG")
    arguments = parser.parse_args()
    found = list(wrong(arguments.folder, arguments.release))
    for each in found:
        print(each)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
