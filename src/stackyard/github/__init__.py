"""GitHub as a second front door and as the log: forms and comments ask for runs, an issue tells how each goes."""
