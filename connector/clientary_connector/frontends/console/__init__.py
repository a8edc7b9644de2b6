"""Is the console: the pages of an admin, as an application that a host mounts under any path."""

from clientary_connector.frontends.console.app import console
from clientary_connector.people import Person, Role

__all__ = ["Person", "Role", "console"]
