"""fleet.toml: what it says, and where it is wrong."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from okstra_ctl.errors import Refused, UsageError
from okstra_ctl.fleet.fleet_file import is_loopback, read_fleet
from okstra_ctl.fleet.keys import make_keys

DASK = '[dask]\nscheduler = "tls://10.0.0.1:8786"\n'


def write(folder: Path, *lines: str) -> str:
    path = folder / "fleet.toml"
    path.write_text("\n".join(['schema = "fleet/1"', *lines]))
    return str(path)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    nodes = '[[dask.node]]\nname = "a"\nproject = "clone"\nhome = "/homes/a"\nslots = 2\n'
    fleet = read_fleet(write(tmp_path, 'engine = "dask"', "[tokens]", "claude = 4", DASK, nodes))
    assert fleet.dask is not None and dict(fleet.tokens) == {"claude": 4}
    (node,) = fleet.dask.nodes
    assert (node.project, node.home, node.slots) == (str(tmp_path / "clone"), "/homes/a", 2)
    assert fleet.dask.keys == str(tmp_path / "keys")


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (['engine = = "dask"'], "line 2"),
        (['engine = "spark"', DASK], "line 2: engine"),
        (['engine = "dask"'], "[dask] is missing"),
        (['engine = "dask"', DASK, "jops = 3"], "line 6: "),
        (['engine = "dask"', "[tokens]", "claude = 0", DASK], "line 4: tokens.claude"),
        (['engine = "dask"', "", '[dask]\nscheduler = "tls://nowhere"'], "line 5: dask.scheduler"),
        (['engine = "dask"', '[dask]\nscheduler = "tcp://10.0.0.1:8786"'], "not encrypted"),
        (['engine = "dask"', '[dask]\nscheduler = "tcp://localhost.example:8786"'], "not encrypted"),
        (['engine = "dask"', DASK, '[[dask.node]]\nname="a"\nproject="."\n' * 2], "same name"),
        (['engine = "slurm"', '[slurm]\nfolder = "/x"\noutput = "out"'], "line 5: slurm.output"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, lines: list[str], complaint: str) -> None:
    path = write(tmp_path, *lines)
    with pytest.raises(UsageError) as raised:
        read_fleet(path)
    assert raised.value.code == "bad-config"
    assert complaint in raised.value.message and raised.value.where == path


def test_without_tls_only_loopback_will_do(tmp_path: Path) -> None:
    assert read_fleet(write(tmp_path, 'engine = "dask"', '[dask]\nscheduler = "tcp://127.0.0.1:8786"')).dask
    assert is_loopback("::1") and is_loopback("127.9.9.9") and is_loopback("localhost")
    assert not is_loopback("0.0.0.0") and not is_loopback("10.0.0.1")


def test_the_certificates_are_ones_own_and_private_and_are_never_made_over(tmp_path: Path) -> None:
    paths = make_keys(str(tmp_path / "keys"))
    assert {Path(path).stat().st_mode & 0o777 for path in paths} == {0o600}
    context = ssl.create_default_context(cafile=paths[0])
    context.load_cert_chain(paths[2], paths[3])
    assert len(context.get_ca_certs()) == 1
    with pytest.raises(Refused) as refused:
        make_keys(str(tmp_path / "keys"))
    assert refused.value.code == "file-foreign"
