#!/usr/bin/env python3
"""Checks a plan's stages by rules S1 to S12, or what a planning run's report must hold. A door to `okstra plan check
PLAN` for a file, and to `okstra check run RUN --only phase` for a run's id.

Usage: validate-implementation-plan-stages.py PLAN|RUN [--json] [--project-root DIR]

Exit codes: 0 in order; 2 usage, or no such plan or run; 4 a rule is broken: each with its line.
"""

import os
import sys

OKSTRA = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "bin", "okstra")

is_plan = any(os.path.isfile(word) for word in sys.argv[1:])
words = ["plan", "check", *sys.argv[1:]] if is_plan else ["check", "run", *sys.argv[1:], "--only", "phase"]
os.execv(OKSTRA, [OKSTRA, *words])
