"""What a report's HTML page shows, as values; its templates are in `templates/reports/`."""
