"""``python -m collapse_theory`` is ``collapse``."""

from collapse_theory.cli import main

if __name__ == "__main__":
    main()
