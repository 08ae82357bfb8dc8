"""What every command works with: okstra's home, the registry, the clock, the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from .claims.registry import Registry
from .home_paths import HomePaths
from .system import home as home_edge
from .system.clock import Clock


class Services(NamedTuple):
    home: HomePaths
    registry: Registry
    clock: Clock
    environment: Mapping[str, str]


def open_services(environment: Mapping[str, str] | None = None) -> Services:
    """The services of this machine. Touches nothing. Raises Missing when no home can be located."""
    environment = os.environ if environment is None else environment
    home = home_edge.locate(environment)
    return Services(home, Registry(home), Clock(), environment)
