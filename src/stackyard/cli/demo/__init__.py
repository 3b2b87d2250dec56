"""`stackyard demo`: everything on one machine, with no AWS account."""
