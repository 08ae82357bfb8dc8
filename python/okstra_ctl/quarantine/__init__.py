"""An executor's git folder: a private copy, from which okstra takes the commits home (docs/design/containment.md)."""
