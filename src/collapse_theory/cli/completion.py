"""``collapse completion``: words that a shell completes."""

from __future__ import annotations

from typing import Literal


def completion(shell: Literal["bash", "zsh", "fish"], /) -> int:
    """Print the script that makes a shell complete subcommands and options.

    bash: source <(collapse completion bash); zsh: write it to a file named _collapse in a folder of
    $fpath; fish: write it to ~/.config/fish/completions/collapse.fish.

    Args:
        shell: Which one.
    """
    from collapse_theory.cli.app import make_app  # the frame imports its subcommands

    print(make_app().generate_completion(shell=shell))
    return 0
