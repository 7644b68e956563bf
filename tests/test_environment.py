"""What a report of a fault says of the machine."""

import numpy as np
import threadpoolctl

import skneural
from skneural import environment


def test_show_versions_names_what_is_installed_and_what_is_not(capsys, monkeypatch):
    monkeypatch.setattr(environment, "PACKAGES", ("numpy", "no-such-package"))
    skneural.show_versions()
    lines = capsys.readouterr().out.splitlines()
    assert f"skneural: {skneural.__version__}" in lines
    assert f"numpy: {np.__version__}" in lines
    assert "no-such-package: not installed" in lines
    pools = lines[lines.index("Pools of threads") + 1 :]
    assert len(pools) == len(threadpoolctl.threadpool_info()) > 0
    assert all(line.endswith(" threads") for line in pools)
