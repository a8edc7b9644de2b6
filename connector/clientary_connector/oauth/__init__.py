"""Joins accounts whose credential is a token that a provider issues and renews (OAuth 2)."""
