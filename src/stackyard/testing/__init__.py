"""Tests for patterns: build one for real, prove it, change it, destroy it, prove that nothing is left."""
