"""Working on a plan with many processes: on one machine, or on several."""
