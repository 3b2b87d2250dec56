"""`stackyard doctor`: what works and what does not, seen from the client and, on the server's machine, from there."""
