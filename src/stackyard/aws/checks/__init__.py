"""What a sandbox's account must have before anything is built in it: one module per kind of question."""
