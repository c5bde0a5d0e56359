"""`python -m orchestrator`: what `ray job submit` calls."""

import sys

from orchestrator.cli import main

sys.exit(main())
