"""Runs an action one governed step after the other."""
