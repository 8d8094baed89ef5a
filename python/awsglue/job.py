"""The job run: its beginning, its end, and its bookmark."""
from typing import Any, Optional

from awsglue import utils
from awsglue.bookmark import Bookmark
from tarn_job import Unsupported


class Job:
    """`Job(glueContext)`, `init(name, args)` before the first read, `commit()` when the work is done."""
    _current: Optional["Job"] = None

    def __init__(self, glue_context=None):
        self._glue_context = glue_context
        self._bookmark: Optional[Bookmark] = None
        self.job_name = None

    def init(self, job_name: str, args: Optional[dict[str, Any]] = None) -> None:
        """Begins the run; bookmarks are as `--job-bookmark-option` says. Raises Unsupported for a range of runs."""
        given = args or {}
        mode = given.get("job_bookmark_option") or utils.argument("job-bookmark-option") or "job-bookmark-disable"
        for name in ("job-bookmark-from", "job-bookmark-to"):
            if given.get(name.replace("-", "_")) or utils.argument(name):
                raise Unsupported(f"--{name}: reading a range of earlier runs again is not supported; reset the bookmark instead")
        self.job_name = job_name
        run_id = given.get("JOB_RUN_ID") or utils.argument("JOB_RUN_ID") or ""
        self._bookmark = Bookmark(mode, job_name, run_id)
        Job._current = self

    def commit(self) -> None:
        """Stores the bookmark; without bookmarks there is nothing to store. Raises RuntimeError before `init`."""
        if self._bookmark is None:
            raise RuntimeError("Job.commit was called before Job.init")
        self._bookmark.commit()

    @classmethod
    def unread(cls, context: str, files: list) -> list:
        """The files that this run has yet to read (see `Bookmark.unread`); all of them outside a run."""
        if cls._current is None or cls._current._bookmark is None:
            return files
        return cls._current._bookmark.unread(context, files)

    @classmethod
    def isInitialized(cls) -> bool:
        return cls._current is not None


