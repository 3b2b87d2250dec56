"""GitHub's API, for whoever speaks to it."""
