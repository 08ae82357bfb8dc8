"""What agents may call, and the receipt of what a run changed."""
