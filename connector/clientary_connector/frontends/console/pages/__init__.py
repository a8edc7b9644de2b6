"""Holds the pages: each module exports its `ROUTES`."""
