"""Completion scripts for shells, made from the command table and each command's own parser."""
