"""Text to values, by the widest reading that is still unambiguous; `None` is "does not cast".

Here: integers, decimals, days, instants, booleans and code lists. Not here: rules about them.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from zoneinfo import ZoneInfo

AMOUNT_PLACES = 4
_AMOUNT_LIMIT = Decimal(10) ** 14  # DECIMAL(18,4)
_EXACT = Context(prec=80)
_INTEGER = re.compile(r"([+-]?[0-9]{1,18})(?:\.0+)?")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_TIME = re.compile(r"[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?", re.ASCII)
_ZONE = re.compile(r"\s*(?:Z|UTC|GMT|\+0000 UTC|([+-])(\d{2})(?::?(\d{2}))?)", re.ASCII)
_TRUE, _FALSE = {"t", "true", "y", "yes", "1"}, {"f", "false", "n", "no", "0"}

_COUNTRIES = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT
    JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY
    MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ
    OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST
    SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT
    ZA ZM ZW ZZ
"""
_CURRENCIES = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
    CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG
    HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA
    MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD
    RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX
    USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
ISO_COUNTRIES = frozenset(_COUNTRIES.split())
ISO_CURRENCIES = frozenset(_CURRENCIES.split())


# What is no part of a value, by its name in Unicode: separators, marks of no width, and controls that move the pen.
_ENDS = "".join(
    chr(code)
    for code in (*range(9, 14), 32, 133, 160, 5760, *range(8192, 8206), 8232, 8233, 8239, 8287, 8288, 12288, 65279)
)
_RUN = re.compile(r"[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_NOTHING = {"", "null", "none", "nan", "nat", "n/a", "#n/a", r"\n", "<na>", "nil", "(null)", "-"}


def cleaned(text: str | None, kind: str) -> str | None:
    """A value without what spreadsheets, databases and web pages leave around it.

    Args:
        text: as received.
        kind: `key`, `code`, `country`, `number`, `instant`, `label`, `name` or `text`.
    """
    value = (text or "").strip(_ENDS)
    if kind in ("label", "name", "instant"):
        value = _RUN.sub(" ", value)
    if kind in ("name", "text"):
        # What people write is kept; of the words, only what a database exports is nothing.
        return None if value in ("", r"\N") else text if kind == "text" else value
    value = _unguarded(value)
    if kind == "key" and re.fullmatch(r"[0-9]+\.0+", value):
        value = value.partition(".")[0]
    nothing = _NOTHING if kind in ("country", "label") else _NOTHING | {"na"}
    return None if value.lower() in nothing else value


def _unguarded(value: str) -> str:
    """A value without what keeps a spreadsheet from taking it for a number."""
    if len(value) > 2 and value.startswith('="') and value.endswith('"') and '"' not in value[2:-1]:
        return value[2:-1].strip(_ENDS)
    if value.startswith("'") and value[1:2].isascii() and value[1:2].isdigit():
        return value[1:]
    return value


def is_rounded(key: str | None) -> bool:
    """Whether a spreadsheet has written a long number in scientific notation."""
    return re.fullmatch(r"[+-]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)[eE][+-][0-9]+", key or "") is not None


def shown(at: datetime, zone: str) -> datetime:
    """What the clocks of a zone show at an instant of naive UTC."""
    return at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def is_in_range(at: datetime | date | None, landing_day: date, zone: str = "UTC") -> bool:
    """Whether an instant is one of business: by the clocks of a zone, from 1900 until the day after it landed."""
    day = shown(at, zone).date() if isinstance(at, datetime) else at
    return day is None or date(1900, 1, 1) <= day <= landing_day + timedelta(days=1)


def to_int(text: str | None) -> int | None:
    """Read a whole number, also as `6.0`; `6.5` and `two` are none."""
    found = _INTEGER.fullmatch((text or "").strip())
    return int(found[1]) if found else None


def to_decimal(text: str | None) -> Decimal | None:
    """Read a decimal number with all its digits."""
    stripped = (text or "").strip()
    return Decimal(stripped) if _DECIMAL.fullmatch(stripped) else None


def to_amount(text: str | None) -> Decimal | None:
    """Read money as DECIMAL(18,4), rounded half up; what does not fit does not cast."""
    exact = to_decimal(text)
    if exact is None:
        return None
    try:
        amount = exact.quantize(Decimal(1).scaleb(-AMOUNT_PLACES), ROUND_HALF_UP, _EXACT)
    except InvalidOperation:
        return None
    return amount if abs(amount) < _AMOUNT_LIMIT else None


def to_day(text: str | None) -> date | None:
    """Read `2025-01-15`, or the day of an instant."""
    instant = to_instant(text)
    return None if instant is None else instant.date()


def to_instant(text: str | None, local: str = "UTC") -> datetime | None:
    """Read an ISO instant as naive UTC; without a time it is midnight.

    Args:
        text: the instant.
        local: the time zone that it is of when it names no offset.
    """
    rest = (text or "").strip().upper()
    day = _DAY.match(rest)
    if day is None:
        return None
    time = _TIME.match(rest, day.end())
    zone = _ZONE.match(rest, time.end()) if time else None
    end = max(part.end() for part in (day, time, zone) if part)
    if end != len(rest):
        return None
    hour, minute, second, fraction = time.groups() if time else (None, None, None, None)
    sign = -1 if zone and zone[1] == "-" else 1
    offset = timedelta(hours=int(zone[2]), minutes=int(zone[3] or 0)) * sign if zone and zone[1] else timedelta(0)
    try:
        read = datetime(
            year=int(day[1]),
            month=int(day[2]),
            day=int(day[3]),
            hour=int(hour or 0),
            minute=int(minute or 0),
            second=int(second or 0),
            microsecond=int((fraction or "").ljust(6, "0")[:6]),
            tzinfo=timezone(offset) if zone else ZoneInfo(local),
        )
        return read.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def to_bool(text: str | None) -> bool | None:
    """Read a boolean in SQL's spellings."""
    lowered = (text or "").strip().lower()
    if re.fullmatch(r"[01]\.0+", lowered):
        lowered = lowered[0]
    return True if lowered in _TRUE else False if lowered in _FALSE else None


def initcap(text: str) -> str:
    """Return the text with the first letter of each word large and all others small."""
    return " ".join(word[:1].upper() + word[1:].lower() for word in text.split(" "))
