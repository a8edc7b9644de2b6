"""Keeps secrets sealed, records authenticated and a log chained, in one database."""
