"""Is the command line `clientary`: parses, calls the connector, prints."""

from clientary_connector.frontends.cli.entry import main

__all__ = ["main"]
