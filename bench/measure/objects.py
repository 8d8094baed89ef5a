"""Part s3: the object store over HTTP against MinIO (which flushes each PUT), versitygw (which flushes none) and, for GET, nginx."""

import statistics
from dataclasses import dataclass, field

from .servers import Minio, Nginx, Tarn, VersityGateway

KIB, MIB = 1 << 10, 1 << 20
SIZES = {"4 KiB": 4 * KIB, "64 KiB": 64 * KIB, "1 MiB": MIB, "64 MiB": 64 * MIB}
KEYS = {4 * KIB: 1000, 64 * KIB: 300, MIB: 64, 64 * MIB: 4}
CLIENTS = [1, 16, 128]

# What DESIGN.md asks for: (size, clients) -> times nginx, times MinIO and versitygw.
GET_WANTED = {("4 KiB", 1): (1, 10), ("4 KiB", 16): (1, 6), ("1 MiB", 1): (0.95, 2), ("1 MiB", 16): (0.95, 2), ("64 MiB", 1): (0.95, 2),
              ("64 MiB", 16): (0.95, 2)}
PUT_WANTED = {("4 KiB", 16): 15, ("1 MiB", 1): 2, ("1 MiB", 16): 2, ("64 MiB", 1): 2, ("64 MiB", 16): 2}


@dataclass
class Fleet:
    tarn: Tarn
    loose: Tarn  # without flushes and encryption, as versitygw and nginx are
    minio: Minio | None = None
    versity: VersityGateway | None = None
    nginx: Nginx | None = None
    absent: list = field(default_factory=list)

    def s3(self):
        return [s for s in (self.tarn, self.loose, self.minio, self.versity) if s]

    def all(self):
        return [*self.s3(), *([self.nginx] if self.nginx else [])]

    def stop(self):
        for server in self.all():
            server.stop()


def start_fleet(room, folder):
    fleet = Fleet(Tarn(folder / "tarn", room.tarn), Tarn(folder / "loose", room.tarn, "--durability", "none", "--encryption", "none", name="tarn, plain"))
    try:
        for server in fleet.s3():
            server.start().wait_until_ready()
            server.issue_key()
        for kind, name, attribute in ((Minio, "minio", "minio"), (VersityGateway, "versitygw", "versity")):
            program = room.peer(name)
            if not program:
                fleet.absent.append(kind.name)
                continue
            try:
                setattr(fleet, attribute, kind(folder / name, program).start().wait_until_ready())
            except RuntimeError as error:
                fleet.absent.append(f"{kind.name} ({error})")
        if Nginx.program():
            fleet.nginx = Nginx(folder / "nginx").start().wait_until_ready()
            (fleet.nginx.folder / "bench").mkdir()
        else:
            fleet.absent.append("nginx")
        for server in fleet.s3():
            server.aws().make_bucket("bench")
        return fleet
    except BaseException:
        fleet.stop()
        raise


class Runs:
    """Loads several servers by turns and keeps what each run told."""

    def __init__(self, room, rounds):
        self.room, self.rounds, self.errors = room, rounds, []

    def compare(self, servers, work, *options):
        out = {server.name: [] for server in servers}
        for _ in range(self.rounds):
            for server in servers:
                got = self.room.load(server, work, *options)
                if got["errors"]:
                    self.errors.append(f"{server.name}: {work} {' '.join(options)}: {got['errors']} errors, the first: {got['error']}")
                out[server.name].append(got)
        return {name: {key: statistics.median(run[key] for run in runs) for key in runs[0] if key != "error"} for name, runs in out.items()}


def ratio(a, b):
    return a / b if b else float("inf")


def shown(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cells(median, names):
    """A row's cells: tarn's rate and CPU, then each peer's rate as a ratio and its CPU."""
    mine = median[names[0]]
    out = [shown(mine["ops_per_s"]), f"{mine['server_cpu_us']:.0f}", f"{mine['p99_us'] / 1000:.1f}"]
    for name in names[1:]:
        peer = median[name]
        out += [f"{ratio(mine['ops_per_s'], peer['ops_per_s']):.2f}", f"{peer['server_cpu_us']:.0f}"]
    return out


def of_clients(count):
    return "1 client" if count == 1 else f"{count} clients"


def head_of(names):
    out = ["size", "clients", "ops/s", "CPU us", "p99 ms"]
    for name in names[1:]:
        out += [f"times {name}", "its CPU us"]
    return out


def seconds_for(room):
    return "0.4" if room.quick else "1"


def fill_for_reads(room, fleet):
    for name, size in SIZES.items():
        options = ["--prefix", f"get-{size}-", "--keys", str(KEYS[size]), "--size", str(size), "--clients", "4"]
        for server in fleet.s3():
            got = room.load(server, "fill", *options)
            if got["errors"]:
                raise RuntimeError(f"{server.name} refuses PUT: {got['error']}")
        if fleet.nginx:
            body = bytes(range(256)) * (size // 256)
            for i in range(KEYS[size]):
                (fleet.nginx.folder / "bench" / f"get-{size}-{i:08d}").write_bytes(body)


def gets(room, fleet, runs, section):
    fill_for_reads(room, fleet)
    peers = [s for s in (fleet.nginx, fleet.minio, fleet.versity) if s]
    ours = {fleet.tarn.name: "encrypted at rest", fleet.loose.name: "plain"}
    rows = {name: [] for name in ours}
    for size_name, size in SIZES.items():
        for clients in CLIENTS:
            if not room.time_for(f"GET {size_name}", section):
                continue
            median = runs.compare([fleet.tarn, fleet.loose, *peers], "get", "--prefix", f"get-{size}-", "--keys", str(KEYS[size]), "--clients",
                                  str(clients), "--seconds", seconds_for(room))
            for mine, how in ours.items():
                names = [mine, *(peer.name for peer in peers)]
                rows[mine].append([size_name, clients, *cells(median, names)])
                what = f"GET {size_name}, {of_clients(clients)}, {how}, of"
                if wanted := GET_WANTED.get((size_name, clients)):
                    for name in names[1:]:
                        section.figure(f"{what} {name}'s rate", ratio(median[mine]["ops_per_s"], median[name]["ops_per_s"]), "at least",
                                       wanted[name != "nginx"])
                if size_name == "4 KiB" and clients < 128 and "nginx" in median:
                    section.figure(f"{what} nginx's CPU", ratio(median[mine]["server_cpu_us"], median["nginx"]["server_cpu_us"]), "at most", 1.5)
            if size_name == "64 MiB" and clients == 128:
                section.figure("memory, GET 64 MiB, 128 clients", median["tarn"]["server_peak_mb"], "under", 200, "", "MB")
        room.say(f"s3: GET {size_name}")
    for mine, how in ours.items():
        section.note("GET, encrypted at rest as tarn does by default (the peers keep theirs plain):" if mine == "tarn" else
                     "GET, plain as the peers (`--encryption none`):")
        section.table(head_of([mine, *(peer.name for peer in peers)]), rows[mine])


def puts(room, fleet, runs, section):
    pairs = [(fleet.tarn, fleet.minio, "flushed"), (fleet.loose, fleet.versity, "neither flushed nor sealed")]
    for mine, peer, how in pairs:
        servers = [s for s in (mine, peer) if s]
        names = [server.name for server in servers]
        rows = []
        for size_name, size in SIZES.items():
            for clients in CLIENTS:
                large = size == 64 * MIB and clients == 128  # 8 GiB a run: once, and for the memory alone
                if not room.time_for(f"PUT {size_name}", section) or (large and (room.quick or mine is fleet.loose)):
                    continue
                median = (Runs(room, 1) if large else runs).compare(
                    [mine] if large else servers, "put", "--prefix", f"put-{size}-", "--keys", str(min(KEYS[size], 64)), "--size", str(size),
                    "--clients", str(clients), "--seconds", seconds_for(room))
                rows.append([size_name, clients, *cells(median, names[:1] if large else names)])
                wanted = PUT_WANTED.get((size_name, clients))
                if wanted and peer and mine is fleet.tarn:
                    section.figure(f"PUT {size_name}, {of_clients(clients)}, {how}, of {peer.name}'s rate",
                                   ratio(median[mine.name]["ops_per_s"], median[peer.name]["ops_per_s"]), "at least", wanted)
                if large:
                    section.figure("memory, PUT 64 MiB, 128 clients", median[mine.name]["server_peak_mb"], "under", 200, "", "MB")
            room.say(f"s3: PUT {size_name}, {how}")
        section.note(f"PUT, {how}:")
        section.table(head_of(names), rows)


def mixed(room, fleet, runs, section):
    servers = [s for s in (fleet.tarn, fleet.minio) if s]
    names = [server.name for server in servers]
    rows = []
    for size_name in ("4 KiB", "1 MiB"):
        size = SIZES[size_name]
        for clients in CLIENTS[1:]:
            if room.time_for(f"mixed {size_name}", section):
                median = runs.compare(servers, "mixed", "--prefix", f"get-{size}-", "--keys", str(KEYS[size]),
                                      "--size", str(size), "--clients", str(clients), "--seconds", seconds_for(room))
                rows.append([size_name, clients, *cells(median, names)])
    section.note("70 GETs to 30 flushed PUTs:")
    section.table(head_of(names), rows)
    room.say("s3: mixed")


def growth(room, tarn, runs, keys, prefix):
    """The cost of GET and PUT of 4 KiB, 16 clients, over `keys` objects of 100 bytes."""
    out = {}
    for work in ("get", "put"):
        out[work] = runs.compare([tarn], work, "--prefix", prefix, "--keys", str(keys), "--size", "100", "--clients", "16", "--seconds",
                                 "0.5" if room.quick else "2")[tarn.name]
    return out


def clone_tree(room, server, prefix, keys, deep):
    """A million objects in a peer that takes minutes for them: the files of one object of its own, copied to the other keys' names."""
    body = server.folder / "bench" / (prefix + ("00/00/" if deep else "") + "00000000")
    room.run_load("clone", "--prefix", prefix, "--keys", str(keys), *(["--deep"] if deep else []), "--from", str(body), "--root",
                  str(server.folder / "bench"))


def many(room, fleet, runs, section):
    """A million small objects in and out, LIST among them, DELETE of a tenth."""
    if not room.time_for("a million objects, LIST, DELETE", section):
        return
    tarn, few, keys = fleet.tarn, 10_000, 20_000 if room.quick else 500_000
    small = ["--size", "100", "--clients", "16"]
    room.load(tarn, "fill", "--prefix", "few/", "--keys", str(few), *small)
    before = growth(room, tarn, runs, few, "few/")
    rows = []
    for shape, prefix, deep in (("flat", "flat/", []), ("deep", "deep/", ["--deep"])):
        into = room.load(tarn, "fill", "--prefix", prefix, "--keys", str(keys), *deep, "--size", "100", "--clients", "128")
        out = room.load(tarn, "drain", "--prefix", prefix, "--keys", str(keys), *deep, "--clients", "16")
        for what, got in (("in", into), ("out", out)):
            rows.append([f"{keys} objects of 100 bytes {what}, {shape}", shown(got["ops_per_s"]), f"{got['server_cpu_us']:.0f}",
                         f"{got['server_peak_mb']:.0f}"])
        room.say(f"s3: {keys} objects, {shape}")
    section.note("Many small objects, flushed (128 clients in, 16 out):")
    section.table(["what", "ops/s", "CPU us", "peak MB"], rows)
    after = growth(room, tarn, runs, keys, "flat/")
    for work in ("get", "put"):
        section.figure(f"{work.upper()}: CPU at {2 * keys} objects, of that at {few}", ratio(after[work]["server_cpu_us"], before[work]["server_cpu_us"]),
                       "at most", 1.2, f"{before[work]['server_cpu_us']:.0f} us, then {after[work]['server_cpu_us']:.0f} us")
    peers = []
    for peer in (fleet.minio, fleet.versity):
        if peer and room.time_for(f"LIST, {peer.name}", section):
            for prefix, deep in (("flat/", False), ("deep/", True)):
                room.load(peer, "fill", "--prefix", prefix, "--keys", "1", "--size", "100", *(["--deep"] if deep else []))
                clone_tree(room, peer, prefix, keys, deep)
            peers.append(peer)
            room.say(f"s3: {2 * keys} objects in {peer.name}")
    listings(room, fleet, section, peers, keys)
    deletes(room, fleet, section, peers, keys)


def listings(room, fleet, section, peers, keys):
    rows = []
    for shape, work, options in (("flat", "list", ["--prefix", "flat/"]), ("deep", "list", ["--prefix", "deep/", "--deep"]),
                                 ("folders", "folders", ["--prefix", "deep/"])):
        found = {}
        for server in [fleet.tarn, *peers]:
            times, got = [], None
            for turn in range(3):
                if turn and (times[-1] > 5000 or not room.time_for(f"LIST {shape}", section)):
                    break  # a peer that takes so long needs no second opinion
                got = room.load(server, work, *options, "--keys", str(keys), "--requests", "10" if server is fleet.tarn else "1", "--seconds", "10")
                if got["errors"]:
                    section.note(f"{server.name}, LIST {shape}: {got['error']}")
                    break
                times.append(got["p50_us"] / 1000)
            if times:
                found[server.name] = statistics.median(times), got["server_cpu_us"], got["items"] / got["ops"]
        mine = found["tarn"]
        row = [shape, f"{mine[2]:.0f}", f"{mine[0]:.1f}", f"{mine[1]:.0f}"]
        for name in [peer.name for peer in peers]:
            row += [f"{ratio(found[name][0], mine[0]):.1f}", f"{found[name][1]:.0f}"] if name in found else ["", ""]
            if name in found and work == "list":
                section.figure(f"LIST of 10000 of {2 * keys}, {shape}, as fast as {name}", ratio(found[name][0], mine[0]), "at least", 20,
                               f"{mine[0]:.1f} ms, {found[name][0]:.0f} ms")
        rows.append(row)
    section.note("LIST in pages of 1000, milliseconds for all pages; the peers' objects are copies of the files of one object of theirs, since by PUT "
                 "they would take longer than this run may:")
    section.table(["shape", "keys", "tarn ms", "CPU us", *(text for peer in peers for text in (f"times {peer.name}", "its CPU us"))], rows)
    room.say("s3: LIST")


def deletes(room, fleet, section, peers, keys):
    rows = []
    count = min(100_000, keys)
    for server in [fleet.tarn, *peers]:
        if not room.time_for("DELETE", section):
            continue
        got = room.load(server, "delete", "--prefix", "flat/", "--keys", str(count), "--clients", "4")
        if got["errors"]:
            section.note(f"{server.name}, DELETE: {got['error']}")
            continue
        rows.append([server.name, f"{got['items'] / got['seconds']:.0f}", f"{got['server_cpu_us'] / 1000:.0f}", f"{got['server_peak_mb']:.0f}"])
    section.note(f"DELETE of {count} objects by DeleteObjects, a thousand a request, 4 clients:")
    section.table(["server", "objects/s", "CPU us an object", "peak MB"], rows)
    room.say("s3: DELETE")


def s3(room):
    rounds = 1 if room.quick else 3
    folder = room.folder / "s3"
    folder.mkdir()
    section = room.section("s3", "Objects over HTTP",
                           f"One client program for all (bench/load), kept-alive connections, Signature Version 4 with the body's SHA-256, verified by "
                           f"tarn, MinIO and versitygw (nginx ignores it). {rounds} rounds by turns, medians; operations a second, and the server's CPU "
                           "microseconds for one. nginx: sendfile, a worker a core, no log.")
    fleet = start_fleet(room, folder)
    try:
        for name in fleet.absent:
            section.left_out(f"against {name}", "absent here")
        runs = Runs(room, rounds)
        gets(room, fleet, runs, section)
        puts(room, fleet, runs, section)
        many(room, fleet, runs, section)
        mixed(room, fleet, runs, section)
        for error in sorted(set(runs.errors)):
            section.note(f"Errors: {error}")
    finally:
        fleet.stop()  # the folder goes with the room: removing millions of files takes minutes, and the page should not wait for it
