"""The stage graph drawn: for a page, as a picture of its own, as Graphviz text, and in letters for a terminal."""
