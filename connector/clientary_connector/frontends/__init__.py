"""Holds the thin ways in."""
