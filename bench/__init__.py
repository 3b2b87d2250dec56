"""Benchmarks: each figure is measured here, most as a ratio to a baseline in the same run. Nothing passes or fails."""
