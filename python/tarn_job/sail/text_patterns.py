"""Moments and days as text, by a Java pattern."""
import datetime

from tarn_job import Unsupported
from tarn_job.sail.text_values import pieces


def formatted(value: datetime.date, pattern: str) -> str:
    """The text of a date or a moment (in UTC). Raises Unsupported for a pattern letter that is not known."""
    return "".join(literal if literal is not None else other if other is not None else _field(value, letters, pattern)
                   for literal, letters, other in pieces(pattern))


def _field(value: datetime.date, letters: str, pattern: str) -> str:
    letter, count = letters[0], len(letters)
    moment = value if isinstance(value, datetime.datetime) else datetime.datetime(value.year, value.month, value.day)
    numbers = {"M": moment.month, "L": moment.month, "d": moment.day, "H": moment.hour, "h": (moment.hour + 11) % 12 + 1,
               "m": moment.minute, "s": moment.second, "D": moment.timetuple().tm_yday}
    if letter in "yu":
        return f"{moment.year % 100:02d}" if count == 2 else f"{moment.year:0{count}d}"
    if letter in "ML" and count > 2:
        return moment.strftime("%b" if count == 3 else "%B")
    if letter == "E":
        return moment.strftime("%a" if count <= 3 else "%A")
    if letter in numbers:
        return f"{numbers[letter]:0{count}d}"
    if letter == "S":
        return f"{moment.microsecond:06d}".ljust(count, "0")[:count]
    if letter == "a":
        return "AM" if moment.hour < 12 else "PM"
    if letter == "X":
        return "Z"
    if letter in "xZ":
        return "+00:00" if letter == "x" and count == 3 else "+0000"
    if letter in "zV":
        return "UTC"
    raise Unsupported(f"the date pattern {pattern!r} uses the letter {letter!r}, which is not supported for writing")
