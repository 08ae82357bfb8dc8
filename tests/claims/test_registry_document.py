"""Claims in the registry."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.claims.registry_document import PreviousClaim, RegistryDoc, StageClaim, TaskClaim, User
from okstra_ctl.errors import Unreadable
from okstra_ctl.names import Owner, StageKey, TaskKey
from okstra_ctl.status import ClaimStatus

_ONE, _TWO = TaskKey("p", "g", "1"), TaskKey("p", "g", "2")
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8) | st.just(
    "/데이터/\udc80"
)
_PLACES = st.just("") | _TEXT.map(lambda text: f"/folder/{text}" if ".." not in text else "/folder")
_OWNERS = st.none() | st.builds(Owner, _TEXT, _TEXT, st.integers(1, 2**22), _TEXT)
_STATUSES = st.sampled_from(list(ClaimStatus))
_EPOCHS = st.dictionaries(st.integers(1, 99), st.integers(1, 99), max_size=3)
_USERS = st.none() | st.lists(st.builds(User, _TEXT, _OWNERS), max_size=3).map(tuple)
_TASK_CLAIMS = st.builds(
    TaskClaim,
    _PLACES,
    _TEXT,
    _TEXT,
    _PLACES,
    _STATUSES,
    _TEXT,
    _TEXT,
    _TEXT,
    _OWNERS,
    _TEXT,
    epochs=_EPOCHS,
    users=_USERS,
)
_EPOCH = st.integers(1, 99)
_EARLIER = st.builds(PreviousClaim, _TEXT, _EPOCH, _STATUSES, _OWNERS, _TEXT, _TEXT, remote_token=_TEXT, proven=_TEXT)
_STAGE_CLAIMS = st.builds(
    StageClaim,
    *(_PLACES, _TEXT, _TEXT, _PLACES, _STATUSES, _TEXT, _OWNERS, _TEXT, _EPOCH, _TEXT, _TEXT, _TEXT),
    before=st.none() | _EARLIER,
    job=_TEXT,
    remote_token=_TEXT,
    proven=_TEXT,
)
_TASK = TaskClaim("/wt/task", "feat-1", "c0", "/p", ClaimStatus.ACTIVE, "2026-01-01T00:00:00Z")
_STAGE = StageClaim(
    "/wt/stage-1", "feat-1-s1", "c0", "/p", ClaimStatus.ACTIVE, "run", None, "at", 1, "token", "/plan", "digest"
)


def _again(doc: RegistryDoc) -> RegistryDoc:
    return RegistryDoc.parse(doc.dump())


@given(_TASK_CLAIMS, _STAGE_CLAIMS)
def test_claims_round_trip(task: TaskClaim, stage: StageClaim) -> None:
    doc = RegistryDoc()
    doc.put_task(_ONE, task)
    doc.put_stage(StageKey(_ONE, 7), stage)
    again = _again(doc)
    assert again.task(_ONE) == task
    assert again.stage(StageKey(_ONE, 7)) == stage
    assert list(again.tasks()) == [(_ONE, task)]
    assert list(again.stages()) == [(StageKey(_ONE, 7), stage)]
    json.loads(again.dump())


def test_a_run_is_a_user_once_and_others_stay_in_their_places() -> None:
    one, two, me = User("one", None), User("two", None), Owner("h", "b", 1, "2")
    both = _TASK.with_user(one).with_user(two)
    assert both.users == (one, two)
    assert both.with_user(User("one", me)).users == (User("one", me), two)
    assert both.without_users("one").users == (two,)
    assert both.without_users("one", "two").users == ()
    assert _TASK.without_users("one").users == ()


def test_a_claim_that_is_taken_back_is_the_earlier_one_or_none() -> None:
    assert _STAGE.as_before() is None
    earlier = PreviousClaim("run-0", 4, ClaimStatus.DONE, None, "plan-0", "digest-0")
    back = _STAGE._replace(epoch=5, restores=True, before=earlier).as_before()
    assert back is not None
    assert (back.run_id, back.epoch, back.status, back.restores, back.before) == ("run-0", 4, "done", False, None)


def test_what_was_never_put_is_none() -> None:
    doc = RegistryDoc()
    assert doc.task(_ONE) is None
    assert doc.stage(StageKey(_ONE, 1)) is None
    assert doc.stages_of(_ONE) == {}


def test_what_was_removed_is_none() -> None:
    doc = RegistryDoc()
    doc.put_task(_ONE, _TASK)
    doc.put_stage(StageKey(_ONE, 1), _STAGE)
    doc = _again(doc)
    doc.remove_task(_ONE)
    doc.remove_stage(StageKey(_ONE, 1))
    assert _again(doc).dump() == RegistryDoc().dump()


def test_stages_of_a_task_are_its_own() -> None:
    doc = RegistryDoc()
    neighbours = (TaskKey("p", "g", "11"), TaskKey("p", "g", "1#stage-x"), TaskKey("q", "g", "1"), _TWO)
    for key in (_ONE, *neighbours):
        for stage in (1, 2, 10):
            doc.put_stage(StageKey(key, stage), _STAGE._replace(run_id=f"{key} {stage}"))
    found = _again(doc).stages_of(_ONE)
    assert {stage: claim.run_id for stage, claim in found.items()} == {n: f"p:g:1 {n}" for n in (1, 2, 10)}


def test_holders() -> None:
    doc = RegistryDoc()
    doc.put_task(_ONE, _TASK)
    doc.put_stage(StageKey(_ONE, 1), _STAGE)
    doc = _again(doc)
    assert doc.holder_of_branch("/p", "feat-1") == "p:g:1"
    assert doc.holder_of_branch("/p", "feat-1-s1") == "p:g:1#stage-1"
    assert doc.holder_of_branch("/other", "feat-1") is None, "another project may have a branch of that name"
    assert doc.holder_of_branch("/p", "feat") is None
    assert doc.holder_of_path("/wt/stage-1") == "p:g:1#stage-1"
    assert doc.holder_of_path("/wt") is None


def test_a_holder_is_found_by_what_it_has_not_by_what_mentions_it() -> None:
    doc = RegistryDoc()
    doc.put_task(_ONE, _TASK._replace(token='"branch": "feat-2"', run_id="feat-2"))
    assert _again(doc).holder_of_branch("/p", "feat-2") is None


@pytest.mark.parametrize(
    "damage",
    [
        (b'"status": "active"', b'"status": "activ"'),
        (b'"path": "/wt/task"', b'"path": 1'),
        (b'"path": "/wt/task"', b'"path": null'),
        (b'"path": "/wt/task"', b'"path": ["/wt/task"]'),
        (b'"token": ', b'"token": true, "x": '),
        (b'"epochs": {}', b'"epochs": []'),
        (b'"epochs": {}', b'"epochs": {"one": 1}'),
        (b'"epochs": {}', b'"epochs": {"1": null}'),
        (b'"epochs": {}', b'"epochs": {"1": 1e999}'),
        (b'"path": "/wt/task"', b'"path": "/wt/\\u0000"'),
        (b'"path": "/wt/task"', b'"path": "/wt/\\ud800"'),
        (b'"owner": null', b'"owner": "me"'),
        (b'"owner": null', b'"owner": {"host": "h"}'),
    ],
    ids=str,
)
def test_a_damaged_entry_hurts_only_who_asks_for_it(damage: tuple[bytes, bytes]) -> None:
    doc = RegistryDoc()
    doc.put_task(_ONE, _TASK)
    lines = [doc.dump()]
    assert damage[0] in lines[0]
    doc.put_task(_TWO, _TASK._replace(branch="feat-2", path="/wt/2"))
    damaged = doc.dump().replace(*damage, 1)
    doc = RegistryDoc.parse(damaged)
    assert doc.task(_TWO) is not None
    assert doc.holder_of_branch("/p", "feat-2") == "p:g:2"
    doc.put_stage(StageKey(_TWO, 1), _STAGE)
    kept, before = (json.loads(data)["tasks"]["p:g:1"] for data in (doc.dump(), damaged))
    assert kept == before, "what can't be read is kept as it is"
    with pytest.raises(Unreadable, match="p:g:1"):
        doc.task(_ONE)
    with pytest.raises(Unreadable, match="p:g:1") as refused:
        list(doc.tasks())
    assert refused.value.code == "registry-unreadable"


def test_a_file_that_is_no_json_is_refused_whole() -> None:
    doc = RegistryDoc()
    doc.put_task(_ONE, _TASK)
    with pytest.raises(Unreadable, match="not JSON") as refused:
        RegistryDoc.parse(doc.dump().replace(b'"path": "/wt/task"', b'"path": "/wt/task'), where="/registry.json")
    assert (refused.value.code, refused.value.where) == ("registry-unreadable", "/registry.json")


@pytest.mark.parametrize("key", ["", "p:g", "p:g:1#stage-1", ":::", "p:g:a\\u0000b"])
def test_a_key_that_is_none_is_damage_too(key: str) -> None:
    doc = RegistryDoc()
    doc.put_task(_ONE, _TASK)
    doc.put_stage(StageKey(_ONE, 1), _STAGE)
    doc = RegistryDoc.parse(doc.dump().replace(b'"p:g:1', b'"' + key.encode()), where="/registry.json")
    with pytest.raises(Unreadable, match=r"registry\.json|damaged") as refused:
        list(doc.tasks()), list(doc.stages())
    assert refused.value.where == "/registry.json"


def test_another_version_is_refused() -> None:
    with pytest.raises(Unreadable, match="worktree-registry/2"):
        RegistryDoc.parse(b'{"schema": "worktree-registry/2", "tasks": {}, "stages": {}}')


@pytest.mark.parametrize("epoch", [b'"3"', b"null", b"true", b"[3]", b"3.5", b'{"3": 1}'])
def test_an_epoch_that_is_no_number_is_damage(epoch: bytes) -> None:
    doc = RegistryDoc()
    doc.put_stage(StageKey(_ONE, 1), _STAGE._replace(epoch=3))
    text = doc.dump()
    assert text.count(b'"epoch": 3') == 1
    with pytest.raises(Unreadable, match="epoch is a number") as refused:
        RegistryDoc.parse(text.replace(b'"epoch": 3', b'"epoch": ' + epoch)).stage(StageKey(_ONE, 1))
    assert refused.value.code == "registry-unreadable"


def test_a_claim_is_kept_under_its_key_whichever_it_is_of() -> None:
    doc, stage = RegistryDoc(), StageKey(_ONE, 1)
    doc.put(_ONE, _TASK)
    doc.put(stage, _STAGE)
    again = _again(doc)
    assert (again.task(_ONE), again.stage(stage)) == (_TASK, _STAGE)
    assert (again.claim_of(_ONE), again.claim_of(stage)) == (_TASK, _STAGE)


@pytest.mark.parametrize("port", [b"-1", b"0", b"65536", b'"8080"', b"8080.5", b"null", b"true", b"[8080]"])
def test_a_port_is_a_number_from_1_to_65535(port: bytes) -> None:
    for number in (1, 65535):
        doc = RegistryDoc()
        doc.put_ports("p", {"PORT": number})
        assert _again(doc).ports() == {"p": {"PORT": number}}
    text = doc.dump()
    assert text.count(b"65535") == 1
    with pytest.raises(Unreadable, match="a port is a number"):
        RegistryDoc.parse(text.replace(b"65535", port)).ports()


@pytest.mark.parametrize("path", ["wt/stage-1", "../wt", "/wt/../other", "/.."])
def test_a_folder_that_depends_on_where_one_stands_is_damage(path: str) -> None:
    doc = RegistryDoc()
    doc.put_stage(StageKey(_ONE, 1), _STAGE._replace(path=path))
    with pytest.raises(Unreadable, match="path is an absolute path"):
        _again(doc).stage(StageKey(_ONE, 1))


def test_what_an_earlier_version_does_not_know_is_written_only_where_it_says_something() -> None:
    alone = PreviousClaim("run-0", 4, ClaimStatus.DONE, None, "plan-0", "digest-0")
    assert set(alone.to_json()) == {"run_id", "epoch", "status", "owner", "reserved_at", "plan_digest"}
    shared = alone._replace(remote_token="t", proven="p")
    assert set(shared.to_json()) - set(alone.to_json()) == {"remote_token", "proven"}
