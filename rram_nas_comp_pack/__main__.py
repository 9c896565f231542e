"""`python -m rram_nas_comp_pack`."""

import sys

from .cli.main import main

if __name__ == "__main__":
    sys.exit(main())
