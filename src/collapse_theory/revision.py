"""Which source this is: versions of what computes, and the commit where it runs from a checkout."""

from __future__ import annotations

import functools
import platform
import subprocess
from importlib import metadata
from pathlib import Path

COMPUTES = ("jax", "jaxlib", "equinox", "numpy", "scipy")
HERE = Path(__file__).parent


@functools.cache  # reading them takes longer than many a run
def versions() -> dict[str, str]:
    """Versions by package; ``commit`` is among them where the package is run from a checkout."""
    from collapse_theory import __version__

    found = {p: metadata.version(p) for p in COMPUTES}
    found |= {"collapse-theory": __version__, "python": platform.python_version()}
    commit = _commit()
    return found | ({"commit": commit} if commit else {})


def _commit() -> str:
    """The commit of the checkout that this file is tracked in, "-dirty" where files differ."""
    if not _git("ls-files", "--error-unmatch", Path(__file__).name):
        return ""  # installed: a repository around it is somebody else's
    return _git("describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")


def _git(*words: str) -> str:
    try:
        done = subprocess.run(
            ["git", *words], cwd=HERE, capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):  # no git, no checkout, or a slow disk
        return ""
    return done.stdout.strip()
