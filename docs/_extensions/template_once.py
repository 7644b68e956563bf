"""Has numpydoc's template compiled once, not for each of 2,600 docstrings: a tenth of a build."""

from __future__ import annotations

from functools import partial

from jinja2.bccache import Bucket, BytecodeCache
from jinja2.sandbox import SandboxedEnvironment
from numpydoc import docscrape_sphinx


class Compiled(BytecodeCache):
    """What Jinja has compiled, in memory. It looks itself whether the source is still the same."""

    def __init__(self) -> None:
        self.of_key: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give the bucket what was compiled under its key."""
        if bucket.key in self.of_key:
            bucket.bytecode_from_string(self.of_key[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what the bucket has been given."""
        self.of_key[bucket.key] = bucket.bytecode_to_string()


def setup(app):
    """Let the environments that numpydoc makes, one for each docstring, share what they compile."""
    docscrape_sphinx.SandboxedEnvironment = partial(SandboxedEnvironment, bytecode_cache=Compiled())
    return {"parallel_read_safe": True}
