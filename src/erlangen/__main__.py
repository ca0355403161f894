"""`python -m erlangen` is the command `erlangen`."""

import sys

from erlangen.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
