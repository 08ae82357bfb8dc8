"""Projects, config, phases, models, rosters, trust."""
