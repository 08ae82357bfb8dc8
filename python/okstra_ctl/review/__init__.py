"""Reviews of changes that are there already: which change is meant, and what the reviewers are told of it."""
