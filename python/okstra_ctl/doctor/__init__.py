"""Whether this machine can do what okstra needs."""
