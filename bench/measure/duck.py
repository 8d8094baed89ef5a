"""DuckDB alone: the very library that tarn links, by its C interface, with the settings that it comes with."""

import ctypes
import time


class Result(ctypes.Structure):
    _fields_ = [("counts", ctypes.c_uint64 * 3), ("pointers", ctypes.c_void_p * 3)]


class Duck:
    def __init__(self, library, unsigned_extensions=False):
        self.lib = ctypes.CDLL(str(library))
        self.lib.duckdb_result_error.restype = ctypes.c_char_p
        self.lib.duckdb_value_varchar.restype = ctypes.c_void_p
        self.lib.duckdb_row_count.restype = self.lib.duckdb_column_count.restype = ctypes.c_uint64
        self.lib.duckdb_value_varchar.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64]
        self.database, self.connection = ctypes.c_void_p(), ctypes.c_void_p()
        if self.lib.duckdb_open(None, ctypes.byref(self.database)):
            raise RuntimeError("DuckDB does not open")
        self.lib.duckdb_connect(self.database, ctypes.byref(self.connection))

    def close(self):
        self.lib.duckdb_disconnect(ctypes.byref(self.connection))
        self.lib.duckdb_close(ctypes.byref(self.database))

    def run(self, sql, rows=True):
        """Returns (seconds until all rows stand in memory, rows as lists of text or None)."""
        result = Result()
        start = time.perf_counter()
        failed = self.lib.duckdb_query(self.connection, sql.encode(), ctypes.byref(result))
        seconds = time.perf_counter() - start
        try:
            if failed:
                raise RuntimeError(f"{self.lib.duckdb_result_error(ctypes.byref(result)).decode()}: {sql[:300]}")
            return seconds, self._rows(result) if rows else []
        finally:
            self.lib.duckdb_destroy_result(ctypes.byref(result))

    def _rows(self, result):
        at = ctypes.byref(result)
        columns = self.lib.duckdb_column_count(at)
        out = []
        for row in range(self.lib.duckdb_row_count(at)):
            line = []
            for column in range(columns):
                text = self.lib.duckdb_value_varchar(at, column, row)
                line.append(ctypes.string_at(text).decode() if text else None)
                if text:
                    self.lib.duckdb_free(ctypes.c_void_p(text))
            out.append(line)
        return out
