"""``python -m gifpop``: the command line."""

import sys

from gifpop.app.command import main

sys.exit(main())
