"""Turns names into ids: people say names, and the actions want ids.

It is no action of its own: it calls list actions the one way, in the name of the persona, which
needs their grants, and each of these calls stands in the log.
"""

from clientary_connector.finding.chains import findable, narrowing
from clientary_connector.finding.names import Match
from clientary_connector.finding.search import MOST_TOLD, USUALLY_TOLD, Search, find, find_sync

__all__ = [
    "MOST_TOLD",
    "USUALLY_TOLD",
    "Match",
    "Search",
    "find",
    "find_sync",
    "findable",
    "narrowing",
]
