"""When a client may go on, from whatever it prints about a limit: a time, or None where it names none.

Clients put it as a delay ("try again in 3 days 4 hours"), as a time of day ("resets 3am (Europe/Berlin)"), as a date,
as a header (`Retry-After`), or as a field in seconds or since 1970. A client may print anything: what is long past, or
more than three months away, is no answer. Nor is a day without a time ("on Monday"), whose hour and zone nobody knows,
nor a time in a zone that nothing here knows (`unknown_zone`): read in another one it could be hours too early.
Of two equal times of day, when clocks are set back, the next one counts.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

_LONGEST_TEXT = 20_000
_FURTHEST = timedelta(days=92)
_JUST_NOW = timedelta(minutes=5)
"""A time that has passed by less than this means now: clocks differ. A time of day does not mean tomorrow then."""
_A_MOMENT = timedelta(minutes=1)
_WORDS = r"(?:again|resets?|retry|available|until|wait)"
_UNIT = r"(?:ms|s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?|w(?:eeks?)?)(?![a-z])"
_AMOUNT = rf"(?:[0-9]{{1,9}}(?:\.[0-9]{{1,9}})?|an?(?= )|one(?= )) ?{_UNIT}"
_IN = re.compile(
    rf"(?:again|resets?|resetdelay|retry|retrydelay|retry_after|wait)\W{{1,4}}(?:in |after |for )?(?:about )?"
    rf"({_AMOUNT}(?:[ ,]{{0,3}}(?:and )?{_AMOUNT}){{0,5}})",
    re.IGNORECASE,
)
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?|\b(?:an?|one)\b) ?(ms|[a-z])", re.IGNORECASE)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_IN_SECONDS = re.compile(
    r"(?:resets?|retry)[ _-]?(?:in|after)(?:[ _-]?(?P<unit>seconds|secs|ms))?\W{1,4}"
    r"(?P<number>[0-9]{1,9}(?:\.[0-9]{1,9})?)(?![0-9]|[.,][0-9]| ?[-\u2013] ?[0-9]| ?[a-z:/])",  # no date, no range
    re.IGNORECASE,
)
_EPOCH = re.compile(
    r"(?:resets?[ _-]?(?:at|time)?|limit reached|retry[ _-]?after)\W{1,4}([0-9]{10}|[0-9]{13})"
    r"(?:\.[0-9]{1,9})?(?![0-9])",
    re.IGNORECASE,
)
_HTTP_DATE = re.compile(
    r"(?:retry[ _-]?after|resets?)\W{1,4}([A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT)",
    re.IGNORECASE,
)
_REGION = (
    r"[A-Z][A-Za-z]{1,20}/[A-Za-z_/+-]{1,40}"
    r"|(?:[A-Z]{2,12} ){1,3}time\b|(?:pacific|mountain|central|eastern)\b(?! ?europ)"
)
_ISO = re.compile(
    rf"(?:{_WORDS}|retry[_-]?after|reset_?time(?:_?stamp)?|resets?_?at)\W{{1,4}}(?:at |on |by |in |after )?"
    r"(?P<at>[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:\.[0-9]{1,9})?"
    rf"(?: ?\(?(?P<zone>Z\b|[+-][0-9]{{2}}:?[0-9]{{2}}|{_REGION}|[A-Za-z]{{2,5}}\b))?",
    re.IGNORECASE,
)
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_DAY = (
    rf"(?:(?P<month>{_MONTH})[a-z]{{0,6}}\.? (?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?"
    rf"|(?P<day_first>[0-9]{{1,2}})(?:st|nd|rd|th)? (?P<month_last>{_MONTH})[a-z]{{0,6}}\.?)"
    r"(?:,? (?P<year>[0-9]{4}))?"
    r"|(?P<weekday>mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}|(?P<tomorrow>tomorrow)"
)
_AT = re.compile(
    rf"{_WORDS}\W{{1,3}}(?:at |on |by )?(?:(?:{_DAY}),?(?: at)? )?"
    r"(?P<hour>[0-9]{1,2})(?::(?P<minute>[0-9]{2}))?(?::[0-9]{2})?(?: ?(?P<half>[ap])\.?m\b\.?)?"
    r"(?: ?\(?(?P<zone>(?:UTC|GMT)[+-][0-9]{1,2}(?::?[0-9]{2})?|[+-][0-9]{2}:?[0-9]{2}"
    rf"|{_REGION}|[A-Z]{{1,5}}\b))?",
    re.IGNORECASE,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])([0-9]{1,2}):?([0-9]{2})?", re.IGNORECASE)
# Hours from UTC: those of RFC 2822, and others that mean one zone alone. IST, for instance, means three.
_ABBREVIATIONS = {
    **{"Z": 0, "UT": 0, "UTC": 0, "GMT": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6},
    **{"PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10},
    **{"WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "KST": 9, "JST": 9, "AEST": 10, "AEDT": 11},
}
# What names a zone with its rules, summer time and all.
_PLACES = {
    **{"PT": "America/Los_Angeles", "MT": "America/Denver", "CT": "America/Chicago", "ET": "America/New_York"},
    **{"PACIFIC": "America/Los_Angeles", "MOUNTAIN": "America/Denver"},
    **{"CENTRAL": "America/Chicago", "EASTERN": "America/New_York"},
}
_AMERICAN = re.compile(r"(?:US )?(PACIFIC|MOUNTAIN|CENTRAL|EASTERN)(?: (STANDARD|DAYLIGHT))?(?: TIME)?")
_HERE = re.compile(r"(?:IN )?(?:YOUR )?(?:LOCAL )?TIME")


class UnknownZone(ValueError):
    """Its only argument is the zone's name."""


def again_in(text: str, now: datetime) -> datetime | None:
    """The time that the text names. `now`, which has a time zone, is when it was printed; never is the answer before
    it. A time without a zone is in that of `now`."""
    text = text[-_LONGEST_TEXT:]
    for found in (_by_seconds, _by_delay, _by_epoch, _by_http_date, _by_iso_time, _by_time_of_day):
        at = found(text, now)
        if at is not None:
            return at
    return None


def unknown_zone(text: str) -> str:
    """The zone of a time that the text names, where it is one that nothing here knows; else empty."""
    text, now = text[-_LONGEST_TEXT:], datetime.now(timezone.utc)
    dated = _ISO.search(text)
    times = [found for found in _AT.finditer(text) if found["minute"] or found["half"]]
    try:
        for found in [*([dated] if dated else []), *times[:1]]:
            zone_of(found["zone"], now)
    except UnknownZone as unknown:
        return str(unknown)
    return ""


def again_at_epoch(epoch: float, now: datetime) -> datetime | None:
    """`epoch` is in seconds, or in milliseconds, since 1970."""
    try:
        at = datetime.fromtimestamp(epoch / 1000 if epoch >= 1e12 else epoch, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return None
    return _answer(at, now)


def _answer(at: datetime, now: datetime) -> datetime | None:
    """That time in the zone of `now`, if it may be one."""
    try:
        at = at.astimezone(now.tzinfo)
        if not now - _JUST_NOW <= at <= now + _FURTHEST:
            return None
    except (OverflowError, ValueError):
        return None
    return at if at >= now else now + _A_MOMENT


def _after(seconds: float, now: datetime) -> datetime | None:
    if seconds > _FURTHEST.total_seconds():
        return None
    return (now.astimezone(timezone.utc) + timedelta(seconds=seconds)).astimezone(now.tzinfo)


def _by_seconds(text: str, now: datetime) -> datetime | None:
    found = _IN_SECONDS.search(text)
    if not found:
        return None
    milliseconds = (found["unit"] or "").lower() == "ms"
    return _after(float(found["number"]) * (0.001 if milliseconds else 1.0), now)


def _by_delay(text: str, now: datetime) -> datetime | None:
    found = _IN.search(text)
    if not found:
        return None
    parts = _PART.findall(found[1])
    return _after(sum(_number(number) * _SECONDS[unit.lower()] for number, unit in parts), now)


def _number(word: str) -> float:
    return 1.0 if word.isalpha() else float(word)


def _by_epoch(text: str, now: datetime) -> datetime | None:
    found = _EPOCH.search(text)
    return again_at_epoch(float(found[1]), now) if found else None


def _by_http_date(text: str, now: datetime) -> datetime | None:
    found = _HTTP_DATE.search(text)
    try:
        return _answer(parsedate_to_datetime(found[1]), now) if found else None
    except (TypeError, ValueError):
        return None


def _by_iso_time(text: str, now: datetime) -> datetime | None:
    found = _ISO.search(text)
    try:
        return _answer(_in_zone(datetime.fromisoformat(found["at"]), found["zone"], now), now) if found else None
    except (ValueError, OverflowError):
        return None


def _by_time_of_day(text: str, now: datetime) -> datetime | None:
    for found in _AT.finditer(text):
        if found["minute"] or found["half"]:
            try:
                return next(filter(None, (_answer(at, now) for at in _days(found, now))), None)
            except (ValueError, OverflowError):
                return None
    return None


def _days(found: re.Match[str], now: datetime) -> list[datetime]:
    """The times that may be meant, in order. Raises ValueError for a time that no clock shows."""
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    if found["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(hour)
        hour = hour % 12 + (12 if found["half"].lower() == "p" else 0)
    zone = zone_of(found["zone"], now)
    here = now.astimezone(zone)
    at = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
    month = found["month"] or found["month_last"]
    if month:
        given = {"month": _MONTHS.index(month.lower()[:3]) + 1, "day": int(found["day"] or found["day_first"])}
        years = [int(found["year"])] if found["year"] else [here.year, here.year + 1]
        days = [day for year in years if (day := _replaced(at, year=year, **given))]
    elif found["weekday"]:
        ahead = (_WEEKDAYS.index(found["weekday"].lower()[:3]) - here.weekday()) % 7
        days = [at + timedelta(days=ahead), at + timedelta(days=ahead + 7)]
    elif found["tomorrow"]:
        days = [at + timedelta(days=1)]
    else:
        days = [at, at + timedelta(days=1)]
    return [day.replace(fold=fold).astimezone(timezone.utc) for day in days for fold in (0, 1)]


def _replaced(at: datetime, **given: int) -> datetime | None:
    try:
        return at.replace(**given)  # type: ignore[arg-type]
    except ValueError:  # no such day in that year
        return None


def _in_zone(at: datetime, name: str | None, now: datetime) -> datetime:
    return at.replace(tzinfo=zone_of(name, now)).astimezone(timezone.utc)


def zone_of(name: str | None, now: datetime) -> tzinfo | None:
    """The zone of that name or offset; that of `now` where there is none, and for a word that names no zone, like the
    "or" of a sentence. Raises UnknownZone."""
    upper = (name or "").upper()
    if not name or _HERE.fullmatch(upper):
        return now.tzinfo
    if upper in _ABBREVIATIONS:
        return timezone(timedelta(hours=_ABBREVIATIONS[upper]))
    if found := _OFFSET.fullmatch(name):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
        if offset >= timedelta(hours=24):
            raise UnknownZone(name)
        return timezone(offset if found[1] == "+" else -offset)
    if american := _AMERICAN.fullmatch(upper):
        name = f"{american[1][0]}{american[2][0]}T" if american[2] else american[1]
        return zone_of(name, now) if american[2] else _at_place(name, _PLACES[name])
    if upper in _PLACES:
        return _at_place(name, _PLACES[upper])
    if "/" in name:
        return _at_place(name, name)
    if name == upper or upper.endswith(" TIME"):
        raise UnknownZone(name)
    return now.tzinfo


def _at_place(name: str, place: str) -> tzinfo:
    """Raises UnknownZone, also where this machine has no table of zones."""
    try:
        return ZoneInfo(place)
    except (OSError, ValueError, KeyError):  # KeyError: an unknown zone
        raise UnknownZone(name) from None
