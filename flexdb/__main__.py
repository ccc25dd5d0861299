"""``python -m flexdb``."""

import sys

from flexdb.cli import main

sys.exit(main())
