"""``python -m autocron``."""

import sys

from autocron.cli import main

if __name__ == "__main__":
    sys.exit(main())
