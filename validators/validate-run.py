#!/usr/bin/env python3
"""Checks everything that a run left: files, results, report, phase, pages. A door to `okstra check run RUN`.

Usage: validate-run.py RUN [--json] [--project-root DIR]

Exit codes: 0 in order; 2 usage, or no such run; 4 something is wrong: each with its file, line and remedy.
"""

import os
import sys

OKSTRA = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "bin", "okstra")

os.execv(OKSTRA, [OKSTRA, "check", "run", *sys.argv[1:]])
