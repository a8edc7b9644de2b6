"""Runs the command line as `python -m clientary_connector.frontends.cli`."""

from __future__ import annotations

import sys

from clientary_connector.frontends.cli.entry import main

sys.exit(main())
