"""What of this machine is shown inside the sandbox."""

from __future__ import annotations

import sys

from okstra_ctl.sandbox.machine import _of_okstra


def test_a_python_within_a_folder_that_is_shown_is_not_mounted_over_its_own_link() -> None:
    own = f"{sys.prefix}/bin/python"
    assert own not in list(_of_okstra({"OKSTRA_PYTHON": own}))
    assert "/opt/other/bin/python" in list(_of_okstra({"OKSTRA_PYTHON": "/opt/other/bin/python"}))
