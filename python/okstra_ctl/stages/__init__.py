"""Stages: choosing, claiming, recording, releasing, integrating."""
