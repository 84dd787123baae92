"""The program: `python -m ivif_cli`, and the console script `ivif`."""

import sys

from ivif_cli.interrupts import catch_interrupts


def main() -> None:
    """Load the commands and run one; an interrupt while they are loading ends quietly, too."""
    try:
        catch_interrupts()
        from ivif_cli.app import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
