"""What workers wrote: parsing, rules, convergence."""
