"""Job bookmarks: which files earlier runs have read (AWS Glue Developer Guide, "Tracking processed data").

The state is one JSON object in the file that TARN_BOOKMARK_FILE names; whoever started the run keeps that file between
runs, and removes it to reset the bookmark. It is read when the job begins and replaced, complete or not at all, when the
job commits: a run that fails reads the same files again.

    {"version": 1, "job_name": "nightly", "run_id": "jr_…", "contexts": {
        "<transformation_ctx>": {"files": {"s3://bucket/key": "<etag>"}}}}

Every file that was read is named, and one that was written again is read again. (AWS keeps a time instead, which loses
older files that an earlier run left out by a predicate.)
"""
import json
import os

from tarn_job.storage import File

VERSION = 1


class Bookmark:
    """The state of one run. Modes: enable (skip what was read, remember what is read), pause (skip, and remember
    nothing), disable (neither)."""

    def __init__(self, mode: str, job_name: str, run_id: str):
        self._mode, self._job_name, self._run_id = mode, job_name, run_id
        self._path = os.environ.get("TARN_BOOKMARK_FILE")
        self._contexts: dict[str, dict] = {}
        self._read: dict[str, dict[str, File]] = {}
        if self.active and not self._path:
            raise RuntimeError("job bookmarks are on, but TARN_BOOKMARK_FILE does not say where their state is kept")
        if self.active and os.path.exists(self._path):
            with open(self._path, encoding="utf-8") as file:
                state = json.load(file)
            if state.get("version") != VERSION:
                raise RuntimeError(f"{self._path} holds a bookmark of version {state.get('version')}; this library reads {VERSION}")
            self._contexts = state["contexts"]

    @property
    def active(self) -> bool:
        return self._mode != "job-bookmark-disable"

    def unread(self, context: str, files: list[File]) -> list[File]:
        """The files that no committed run has read under this transformation_ctx; remembers that this run reads them.
        Without a transformation_ctx there is nothing to remember them by: all of them."""
        if not self.active or not context:
            return files
        known = self._contexts.get(context, {"files": {}})["files"]
        fresh = [one for one in files if known.get(one.address) != _mark(one)]
        seen = self._read.setdefault(context, {})
        seen.update({one.address: one for one in fresh})
        return fresh

    def commit(self) -> None:
        """Stores what this run has read. Files that it found and skipped stay remembered."""
        if self._mode != "job-bookmark-enable":
            return
        for context, files in self._read.items():
            known = self._contexts.setdefault(context, {"files": {}})["files"]
            known.update({address: _mark(one) for address, one in files.items()})
        state = {"version": VERSION, "job_name": self._job_name, "run_id": self._run_id, "contexts": self._contexts}
        partial = f"{self._path}.partial"
        with open(partial, "w", encoding="utf-8") as file:
            json.dump(state, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, self._path)


def _mark(file: File) -> str:
    return file.etag or f"{file.size_bytes}-{file.modified_ms}"
