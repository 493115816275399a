"""``python -m gifpop``: the command line."""

import sys

from gifpop.command import main

sys.exit(main())
