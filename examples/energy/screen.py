"""What the demo shows: steps with their time, and tables of text."""

import contextlib
import sys
import time

BOLD, DIM, GREEN, PLAIN = ("\033[1m", "\033[2m", "\033[32m", "\033[0m") if sys.stdout.isatty() else ("", "", "", "")


@contextlib.contextmanager
def step(title):
    """Prints the step's title, then its time and what the block added to the list that it is given."""
    notes, start = [], time.monotonic()
    print(f"  {title:<58}", end="", flush=True)
    yield notes
    print(f"{GREEN}{(time.monotonic() - start) * 1000:8.0f} ms{PLAIN}")
    for note in notes:
        print(f"      {DIM}{note}{PLAIN}")


def table(header, rows, limit=20, width=34):
    """Prints rows of text in columns; numbers stand to the right."""
    def text(cell):
        cell = "" if cell is None else str(cell).replace("\n", " ")
        return cell if len(cell) <= width else cell[:width - 1] + "…"

    def is_number(cell):
        return cell is None or str(cell).replace(".", "", 1).replace("-", "", 1).replace("E", "", 1).isdigit()

    shown = [[text(c) for c in row] for row in rows[:limit]]
    widths = [max(len(str(h)), *(len(r[i]) for r in shown), 0) if shown else len(str(h)) for i, h in enumerate(header)]
    right = [bool(rows) and all(is_number(r[i]) for r in rows[:limit]) for i in range(len(header))]
    print("    " + BOLD + "  ".join(str(h).rjust(w) if r else str(h).ljust(w) for h, w, r in zip(header, widths, right)) + PLAIN)
    for row in shown:
        print("    " + "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right)).rstrip())
    if len(rows) > limit:
        print(f"    {DIM}… {len(rows) - limit} rows more{PLAIN}")
