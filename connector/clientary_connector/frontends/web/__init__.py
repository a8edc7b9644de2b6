"""Is what every server of ours shares: where it may listen, whom it answers, and how it ends."""
