"""Holds the tests; a package with this file, for some libraries install a `tests` of their own."""
