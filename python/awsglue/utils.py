"""Arguments of a job run (AWS Glue Developer Guide, "Accessing parameters using getResolvedOptions")."""
import argparse
import inspect
import sys
from typing import Any


class GlueArgumentError(Exception):
    """The run's arguments are not what the script asks for."""


class GlueArgumentParser(argparse.ArgumentParser):
    def error(self, message: str):
        raise GlueArgumentError(message)


BOOKMARK_OPTION = "--job-bookmark-option"
BOOKMARK_CHOICES = ["job-bookmark-enable", "job-bookmark-pause", "job-bookmark-disable"]
_OPTIONAL = ["--job-bookmark-from", "--job-bookmark-to", "--JOB_ID", "--JOB_RUN_ID", "--SECURITY_CONFIGURATION",
             "--encryption-type", "--enable-data-lineage", "--RedshiftTempDir"]
_RESERVED = {"job-bookmark-option", "job-bookmark-from", "job-bookmark-to", "JOB_ID", "JOB_RUN_ID", "SECURITY_CONFIGURATION",
             "encryption-type", "enable-data-lineage"}


def getResolvedOptions(args: list[str], options: list[str]) -> dict[str, Any]:
    """The values of a run's arguments, by name.

    `args` is `sys.argv`; `options` the names that the script needs, without the two dashes. A value is given as
    `--name value` or `--name=value`; a dash within a name is an underscore in the result. Glue's own arguments
    (JOB_ID, JOB_RUN_ID, TempDir, the bookmark's) come along, None where they were not given.

    Raises GlueArgumentError when one is missing ("the following arguments are required: --name") or has no value, and
    RuntimeError when a name is asked for that Glue keeps for itself.
    """
    parser = GlueArgumentParser()
    for option in options:
        if option in _RESERVED:
            raise RuntimeError(f"Using reserved arguments --{option}")
    parser.add_argument(BOOKMARK_OPTION, choices=BOOKMARK_CHOICES, required=False)
    for option in _OPTIONAL:
        if option.lstrip("-") not in options:
            parser.add_argument(option, required=False)
    if "TempDir" not in options:
        parser.add_argument("--TempDir", required=False)
    for option in dict.fromkeys(options):
        parser.add_argument(f"--{option}", required=True)
    found, _ = parser.parse_known_args(args[1:])
    result = vars(found)
    result["job_bookmark_option"] = result["job_bookmark_option"] or "job-bookmark-disable"
    if result.get("TempDir") is None:
        result.pop("TempDir", None)
    else:
        result["RedshiftTempDir"] = result.get("RedshiftTempDir") or result["TempDir"]
    return result


def callsite() -> str:
    """Where in the script the caller of the caller stands, for the names that Glue gives to its steps."""
    frame = inspect.getouterframes(inspect.currentframe())[2]
    return f"{frame.filename}:{frame.lineno}:{frame.function}"


def argument(name: str, default=None):
    """A run argument that was given to the process, for code that has no `args` at hand: `argument("JOB_NAME")`."""
    flag = f"--{name}"
    for place, text in enumerate(sys.argv):
        if text == flag and place + 1 < len(sys.argv):
            return sys.argv[place + 1]
        if text.startswith(flag + "="):
            return text[len(flag) + 1:]
    return default
