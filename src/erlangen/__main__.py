"""`python -m erlangen` is the command `erlangen`."""

import sys

from erlangen.cli.command import main

if __name__ == "__main__":
    sys.exit(main())
