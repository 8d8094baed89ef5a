"""Part start: from the start of the process to its first answer, memory at rest, memory while 8 GB go in and out."""

import statistics
import time

from .servers import Tarn, remove


def first_answer_ms(server):
    begin = time.perf_counter()
    server.start()
    while True:
        try:
            server.answers()
            return (time.perf_counter() - begin) * 1000
        except OSError:
            if server.process.poll() is not None or time.perf_counter() - begin > 30:
                raise
            time.sleep(0.0005)


def start(room):
    times, again, rest = [], [], []
    for i in range(3 if room.quick else 9):
        server = Tarn(room.folder / f"start{i}", room.tarn)
        try:
            times.append(first_answer_ms(server))
            time.sleep(1)
            rest.append(server.memory_mb())
            server.stop()
            again.append(first_answer_ms(server))
        finally:
            server.stop()
    size = (1 if room.quick else 8) << 30
    server = Tarn(room.folder / "large", room.tarn).start().wait_until_ready()
    try:
        server.issue_key()
        server.aws().make_bucket("bench")
        large = ["--prefix", "large", "--keys", "1", "--clients", "4", "--size", str(size)]
        up = room.load(server, "upload", *large, "--part-size", str(64 << 20))
        down = room.load(server, "get", "--prefix", "large", "--keys", "1", "--clients", "1", "--requests", "1", "--seconds", "600")
    finally:
        server.stop()
        remove(server.folder)
    section = room.section("start", "Start and memory", "Medians. The first answer is a signed ListBuckets, asked for every half millisecond.")
    gib = size >> 30
    section.figure("first answer, empty data folder", statistics.median(times), "under", 100, f"{len(times)} starts", "ms")
    section.figure("first answer, started again", statistics.median(again), "under", 100, f"{len(again)} starts", "ms")
    section.figure("memory at rest", statistics.median(rest), "under", 60, "a second after the start", "MB")
    section.figure(f"memory during an upload of {gib} GiB", up["server_peak_mb"], "under", 200,
                   f"parts of 64 MiB, 4 at a time; {up['mb_per_s']:.0f} MB/s", "MB")
    section.figure(f"memory during a download of {gib} GiB", down["server_peak_mb"], "under", 200, f"{down['mb_per_s']:.0f} MB/s", "MB")
