"""Looking back: listings, timelines, usage, the schedule, notes."""
