"""Plans: the Stage Map in an implementation-planning report, its rules S1 to S12, and approval."""
