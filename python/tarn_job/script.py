"""Running the script and saying how it ended."""
import dataclasses
import json
import os
import runpy
import sys
import traceback
from typing import Callable, Optional


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run ended. `error_message` and `traceback` are empty when it succeeded."""
    succeeded: bool
    error_message: str = ""
    traceback: str = ""


def run(prepare: Callable[[], str], arguments: list[str]) -> Outcome:
    """Runs the script whose local path `prepare()` returns, as `__main__`, with `sys.argv` as Glue gives it.

    Never raises: an exception of the script, or of the preparation, becomes a failed Outcome, and its traceback goes
    to standard error. `sys.exit()` and `sys.exit(0)` are success; any other exit is a failure ("SystemExit: 3").
    The traceback starts at the script's own first line, so that the runtime's frames do not hide it.
    """
    path = None
    try:
        path = prepare()
        sys.argv = [path, *arguments]
        sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
        runpy.run_path(path, run_name="__main__")
    except SystemExit as leave:
        if leave.code in (None, 0):
            return Outcome(True)
        return _failed(leave, path)
    except BaseException as error:  # the script may raise anything, KeyboardInterrupt included
        return _failed(error, path)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return Outcome(True)


def _failed(error: BaseException, path: Optional[str]) -> Outcome:
    text = "".join(traceback.format_exception(type(error), error, _from_script(error.__traceback__, path)))
    sys.stderr.write(text)
    return Outcome(False, error_message(error), text)


def _from_script(frames, path: Optional[str]):
    """The part of a traceback that begins in the script; all of it when the script never ran (a syntax error)."""
    frame = frames
    while frame is not None:
        if path is not None and frame.tb_frame.f_code.co_filename == path:
            return frame
        frame = frame.tb_next
    return frames


def error_message(error: BaseException) -> str:
    """One line in the form of a Glue run's ErrorMessage: the exception's name, a colon, what it says."""
    said = str(error).strip()
    name = type(error).__name__
    return f"{name}: {said}" if said else name


def write_result(outcome: Outcome) -> None:
    """Writes the outcome to the file that TARN_JOB_RESULT names, complete or not at all; nothing when it is unset.

    The file holds one JSON object: {"state": "SUCCEEDED"|"FAILED", "error_message": "...", "traceback": "..."}.
    A process that was killed leaves no file: its parent knows why it ended.
    """
    path = os.environ.get("TARN_JOB_RESULT")
    if not path:
        return
    record = {
        "state": "SUCCEEDED" if outcome.succeeded else "FAILED",
        "error_message": outcome.error_message,
        "traceback": outcome.traceback,
    }
    partial = f"{path}.partial"
    with open(partial, "w", encoding="utf-8") as file:
        json.dump(record, file, ensure_ascii=False)
    os.replace(partial, path)
