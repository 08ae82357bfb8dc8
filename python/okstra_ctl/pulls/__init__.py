"""A task's pull request after the hand-off: what people and checks say of it, and answers to them."""
