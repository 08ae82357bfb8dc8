"""Reports: their data, and the pages made of them."""
