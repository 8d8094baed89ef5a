"""The runtime that a tarn job script runs in.

    python -m tarn_job --kind glueetl --engine sail --script job.py -- --JOB_NAME nightly

`__main__` reads the command line, `packages` makes the job's own modules importable, `script` runs the script as
`__main__` and reports how it ended. Two engines run PySpark scripts:

  sail    a Spark Connect server in this process, no JVM (`tarn_job.sail`)
  spark   Apache Spark 3.5 with Java (`tarn_job.apache_spark`)

Scripts are ordinary Glue scripts: they import `pyspark` and `awsglue` and know nothing of this package.
"""
import sys

PROGRAM = "tarn-job"


def notice(message: str) -> None:
    """Tells the reader of the job's log something about the runtime: one line on standard error."""
    print(f"{PROGRAM}: {message}", file=sys.stderr, flush=True)


class Unsupported(NotImplementedError):
    """Something that Glue or Spark can do and this runtime cannot.

    The message names the thing that was asked for and, where there is one, the way around it. It is raised instead of
    ignoring the request, because a job that runs to its end with wrong data is worse than one that stops.
    """
