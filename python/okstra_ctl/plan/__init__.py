"""Plans: parsing, rules, approval, drawing."""
