"""What of a pull request is an item, whose words count, and what a record of damaged rows still says."""

from __future__ import annotations

from okstra_ctl.pulls.items import answered, fold, mark_of, red_checks, reply_text, review_comments, talk, wanted


def test_an_answer_in_a_thread_belongs_to_the_comment_that_began_it() -> None:
    user = {"login": "ann"}
    found = list(review_comments([{"id": 1, "user": user, "body": "a"}, {"id": 2, "in_reply_to_id": 1, "user": None}]))
    assert [(item.id, item.thread, item.author) for item in found] == [("comment:1", 1, "ann"), ("comment:2", 1, "")]


def test_hidden_empty_and_own_words_are_not_taken_nor_those_of_nobody() -> None:
    ann = {"login": "ann"}
    said = [
        {"id": "a", "author": ann, "body": "Do it"},
        {"id": "b", "author": ann, "body": " "},
        {"id": "c", "author": ann, "body": "spam", "isMinimized": True},
        {"id": "d", "author": ann, "body": reply_text("comment:1", "c0ffee" * 7, "run")},
        {"id": "e", "author": None, "body": "who am I"},
        {"id": "f", "author": {"login": "eve"}, "body": "Do it"},
    ]
    items = talk({"comments": said, "reviews": [{"id": "g", "author": ann, "body": "And that"}]})
    taken = wanted(items, fold([]), lambda login: login == "ann")
    assert [item.id for item in taken] == ["comment:a", "review:g"]
    assert [item.thread for item in taken] == [0, 0]


def test_a_red_check_is_another_one_at_another_head() -> None:
    red = [{"context": "ci", "state": "error", "targetUrl": "u"}, {"name": "t", "conclusion": "NEUTRAL"}]
    first, second = (list(red_checks({"headRefOid": head * 20, "statusCheckRollup": red})) for head in ("ab", "cd"))
    assert [item.place for item in first] == ["ci"]
    assert first[0].id != second[0].id
    row = {"v": 1, "event": "taken", "items": [{"id": first[0].id, "thread": 0}], "brief": "b"}
    assert wanted([*first, *second], fold([row]), lambda _: False) == second


def test_a_damaged_row_takes_nothing_with_it() -> None:
    good = {"v": 1, "event": "taken", "items": [{"id": "comment:1", "thread": 1}], "brief": "b"}
    known = fold([{"v": 2}, {"v": 1, "items": "x"}, {"v": 1, "event": "taken", "items": [None, {}]}, good])
    assert dict(known.briefs) == {"comment:1": "b"}


def test_an_answer_is_known_by_its_mark() -> None:
    assert answered("comment:1", [{"body": f"x {mark_of('comment:1')}"}])
    assert not answered("comment:1", [{"body": mark_of("comment:11")}, {}])
