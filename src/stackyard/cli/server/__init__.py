"""Commands that run on the server's machine: serve, worker, migrate, user."""
