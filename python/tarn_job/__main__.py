"""The launcher's command line: `python -m tarn_job --kind KIND --script PATH [options] -- SCRIPT ARGUMENTS`.

    --kind glueetl|pythonshell   what the job is: a PySpark script, or plain Python
    --engine sail|spark          what runs a PySpark script (default sail)
    --script PATH                the script: a local file, or an s3:// address
    --extra-py-files A,B         .py, .zip, .egg or .whl files (or folders) that the script imports from
    --python-modules "x==1,y"    packages from PyPI, installed once into the cache and put before everything else

Everything after `--` becomes the script's `sys.argv[1:]`, just as Glue passes a run's arguments.

Environment read: AWS_ENDPOINT_URL, AWS_REGION and the AWS keys (the job role's own); TARN_JOB_RESULT, a file that is
given the outcome as JSON (see `script.write_result`); TARN_BOOKMARK_FILE (see `awsglue.bookmark`); TARN_SPARK_JARS and
TARN_SPARK_MASTER (see `apache_spark`); TARN_CACHE, where installed packages are kept.

Exit code: 0 when the script succeeded, 1 when it failed, 2 when the command line was wrong.
"""
import argparse
import sys

from tarn_job import object_files, packages, script


def parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Splits the launcher's own options from the script's arguments at the first `--`. Exits with 2 when wrong."""
    own, _, rest = [*arguments], None, []
    if "--" in own:
        cut = own.index("--")
        own, rest = own[:cut], own[cut + 1:]
    parser = argparse.ArgumentParser(prog="python -m tarn_job", allow_abbrev=False, description="Runs one Glue job script.")
    parser.add_argument("--kind", choices=("glueetl", "pythonshell"), required=True)
    parser.add_argument("--engine", choices=("sail", "spark"), default="sail")
    parser.add_argument("--script", required=True)
    parser.add_argument("--extra-py-files", default="")
    parser.add_argument("--python-modules", default="")
    return parser.parse_args(own), rest


def prepare_engine(kind: str, engine: str) -> None:
    """Makes `pyspark` and `awsglue` ready for the script. A pythonshell job needs neither and starts nothing."""
    object_files.install()
    if kind != "glueetl":
        return
    if engine == "spark":
        from tarn_job import apache_spark
        apache_spark.prepare()
    else:
        from tarn_job import sail
        sail.prepare()


def main(arguments: list[str]) -> int:
    options, script_arguments = parse(arguments)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, encoding="utf-8", errors="backslashreplace")

    def prepare() -> str:
        packages.add_modules(options.python_modules)
        packages.add_files(options.extra_py_files)
        prepare_engine(options.kind, options.engine)
        return packages.local_copy(options.script)

    outcome = script.run(prepare, script_arguments)
    script.write_result(outcome)
    return 0 if outcome.succeeded else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
