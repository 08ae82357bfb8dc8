"""The report as one self-contained HTML page, from values alone: it touches no file, clock or network."""
