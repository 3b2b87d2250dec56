"""AWS: how a sandbox is reached, what its baseline offers, what an environment's path and its remains look like."""
