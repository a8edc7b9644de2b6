"""Lets the personas of a host platform work in Clientary."""
