"""The hops from a host name to a database: each a small function that asks AWS about one link of the line."""
