#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
"""Sessions that each make an environment of their own; .ci/run is what has to pass."""

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|venv"


@nox.session
def lint(session: nox.Session) -> None:
    """Run ruff and mypy."""
    session.install("-e", ".", "--group", "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests with the newest versions of everything."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", "-n", "2", *session.posargs)


@nox.session(python="3.11", default=False)
def oldest(session: nox.Session) -> None:
    """Run the tests with the oldest versions that are supported."""
    session.install("-r", ".ci/oldest.txt")
    session.install("--no-deps", "-e", ".")
    session.run("python", "-m", "pytest", "-n", "2", *session.posargs)


@nox.session(default=False)
def extras(session: nox.Session) -> None:
    """Run the tests of what needs an extra."""
    session.install("-e", ".[integration]")
    env = {"SKNEURAL_ALL_EXTRAS": "1"}
    session.run("python", "-m", "pytest", "tests/integration", *session.posargs, env=env)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the documentation; warnings are errors."""
    session.install("-e", ".[docs]")
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")
    session.run("python", ".ci/links.py", "docs/_build/html")


@nox.session(default=False)
def build(session: nox.Session) -> None:
    """Build sdist and wheel in dist/, and try both."""
    session.install("--group", "build")
    session.run(".ci/distributions", "dist", "python", external=True)


@nox.session(default=False)
def coverage(session: nox.Session) -> None:
    """Run all tests, and report the lines of the package that none of them runs."""
    session.install("-e", ".[integration]", "--group", "coverage")
    env = {"SKNEURAL_ALL_EXTRAS": "1"}
    measured = ("coverage", "run", "-m", "pytest")
    session.run(*measured, "-n", "2", "--ignore", "tests/integration", *session.posargs)
    session.run(*measured, "tests/integration", *session.posargs, env=env)
    session.run("coverage", "combine")
    session.run("coverage", "report")


if __name__ == "__main__":
    nox.main()
