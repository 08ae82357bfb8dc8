"""The name of a job, by which a stage is taken over at once."""

from __future__ import annotations

import pytest

from okstra_ctl.errors import UsageError
from okstra_ctl.names import JOB_NAME
from okstra_ctl.sharing.joining import JOB_VARIABLE, job_in


@pytest.mark.parametrize("name", ["night run", "밤", "a\n", "x" * 201])
def test_a_name_that_other_machines_could_not_read_is_refused_before_anything_is_taken(name: str) -> None:
    with pytest.raises(UsageError, match="no name of a job"):
        job_in({JOB_VARIABLE: name})


def test_a_name_that_they_can_read_is_taken_as_it_is() -> None:
    assert job_in({JOB_VARIABLE: "gha-17/2"}) == "gha-17/2"
    assert JOB_NAME.match("gha-17/2")
    assert job_in({}) == job_in({JOB_VARIABLE: ""}) == ""
