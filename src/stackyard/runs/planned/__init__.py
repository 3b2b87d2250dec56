"""The hops of a path as a plan has them, before anything is built."""
