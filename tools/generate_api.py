#!/usr/bin/env python3
"""Writes the C++ form of AWS's service models.

    generate_api.py BOTOCORE_DATA API_DIR OUT_DIR SERVICE   one service: SERVICE_table.cpp, and SERVICE.hpp, SERVICE.cpp where it has an overlay
    generate_api.py BOTOCORE_DATA API_DIR OUT_DIR           services.cpp, the list of all tables

API_DIR holds services.txt and overlay/SERVICE.json:
    {"operations": {"GetTable": "done", "GetTables": "partly: no TransactionId"},   what tarn has; structs are written for these
     "patches": [{"at": "/shapes/Foo/required", "set": [...], "why": "..."}]}       what AWS does beyond its model
"""

import gzip
import json
import re
import sys
from pathlib import Path

TYPES = {"structure": "structure", "list": "list", "map": "map", "string": "string", "character": "string", "integer": "integer",
         "long": "long_integer", "bigdecimal": "double_number", "float": "float_number", "double": "double_number", "boolean": "boolean",
         "blob": "blob", "timestamp": "timestamp"}
LOCATIONS = {None: "body", "header": "header", "headers": "headers", "querystring": "query_string", "uri": "uri", "statusCode": "status_code"}
TIMES = {None: "unspecified", "iso8601": "iso8601", "rfc822": "rfc822", "unixTimestamp": "unix_timestamp"}
PROTOCOLS = {"json": "json", "rest-json": "rest_json", "rest-xml": "rest_xml", "query": "query", "ec2": "ec2", "smithy-rpc-v2-cbor": "rpc_v2_cbor"}
CPP_SCALARS = {"string": "std::string", "boolean": "bool", "integer": "int64_t", "long_integer": "int64_t", "float_number": "double",
               "double_number": "double", "blob": "Blob", "timestamp": "Time"}
KEYWORDS = set("""alignas alignof and asm auto bool break case catch char class concept const consteval constexpr constinit continue co_await
co_return co_yield decltype default delete do double else enum explicit export extern false float for friend goto if inline int long mutable
namespace new noexcept not nullptr operator or private protected public register requires return short signed sizeof static struct switch
template this throw true try typedef typeid typename union unsigned using virtual void volatile while xor unix linux errno major minor""".split())


def snake(name):
    name = re.sub(r"[^A-Za-z0-9]+", "_", name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name).lower().strip("_")
    if name in KEYWORDS:
        name += "_"
    return "n" + name if name[:1].isdigit() else name


def literal(text):
    """A C++ string literal of any text, as UTF-8 bytes."""
    out = []
    for byte in text.encode("utf-8", "surrogatepass"):
        c = chr(byte)
        if c in '"\\?':
            out.append("\\" + c)
        elif 32 <= byte < 127:
            out.append(c)
        else:
            out.append("\\%03o" % byte)
    return '"' + "".join(out) + '"sv'


class Model:
    def __init__(self, data, api_dir, name, service_id):
        folder = sorted(p for p in (data / name).iterdir() if (p / "service-2.json.gz").exists())[-1]
        self.raw = json.loads(gzip.decompress((folder / "service-2.json.gz").read_bytes()))
        self.name, self.id = name, service_id
        self.cpp = name.replace("-", "_")
        overlay = api_dir / "overlay" / f"{name}.json"
        self.overlay = json.loads(overlay.read_text()) if overlay.exists() else None
        for patch in (self.overlay or {}).get("patches", []):
            self.apply(patch)
        self.meta, self.shapes, self.operations = self.raw["metadata"], self.raw["shapes"], self.raw["operations"]
        for op, state in (self.overlay or {}).get("operations", {}).items():
            if op not in self.operations:
                sys.exit(f"{overlay}: {name} has no operation {op}")
            if state != "done" and not re.match(r"partly: \S", state):
                sys.exit(f'{overlay}: {op} must be "done" or "partly: " and what is missing')

    def apply(self, patch):
        *path, last = [p.replace("~1", "/").replace("~0", "~") for p in patch["at"].split("/")[1:]]
        node = self.raw
        if not patch.get("why"):
            sys.exit(f"{self.name}: the patch of {patch['at']} does not say why")
        if path[0] in ("shapes", "operations") and len(path) > 1 and path[1] not in node[path[0]]:
            sys.exit(f"{self.name}: the patch of {patch['at']} is for a thing that the model does not have")
        for step in path:
            node = node.setdefault(step, {}) if isinstance(node, dict) else node[int(step)]
        if "set" in patch:
            node[last] = patch["set"]
        else:
            node.pop(last, None)

    # ---- the table of all operations and shapes ----

    def table(self):
        names = sorted(self.shapes)
        index = {n: i for i, n in enumerate(names)}
        out = ['#include "api/model.hpp"', "", "using namespace std::string_view_literals;", "", "namespace tarn::api {", "namespace {", ""]
        out.append(f"extern const Shape shapes[{len(names)}];")
        bodies = []
        for i, n in enumerate(names):
            self.table_parts(n, i, index, out)
            bodies.append(self.table_shape(n, i))
        out.append(f"const Shape shapes[{len(names)}] = {{")
        out += bodies
        out.append("};")
        errors = [n for n in names if self.shapes[n].get("exception") or "error" in self.shapes[n]]
        out.append(f"const Shape* const all_errors[{max(1, len(errors))}] = {{{', '.join(f'&shapes[{index[e]}]' for e in errors) or 'nullptr'}}};")
        ops = sorted(self.operations)
        rows = []
        for i, n in enumerate(ops):
            op = self.operations[n]
            listed = [index[e["shape"]] for e in op.get("errors", [])]
            if listed:
                out.append(f"const Shape* const e{i}[] = {{{', '.join(f'&shapes[{e}]' for e in listed)}}};")
            rows.append(self.table_operation(n, op, i, bool(listed), index))
        out.append(f"const Operation operations[{len(ops)}] = {{")
        out += rows
        out.append("};")
        protocols = [PROTOCOLS[p] for p in self.meta.get("protocols", [self.meta["protocol"]]) if p in PROTOCOLS]
        out.append(f"const Protocol protocols[{len(protocols)}] = {{{', '.join('Protocol::' + p for p in protocols)}}};")
        out.append("}  // namespace")
        m = self.meta
        out.append(f"extern const Service {self.cpp}_service;")
        out.append(f"const Service {self.cpp}_service = {{{literal(self.name)}, {literal(self.id)}, {literal(m.get('serviceId', ''))}, "
                   f"{literal(m.get('signingName', m['endpointPrefix']))}, {literal(m['endpointPrefix'])}, {literal(m.get('targetPrefix', ''))}, "
                   f"{literal(m['apiVersion'])}, {literal(m.get('jsonVersion', ''))}, {literal(m.get('xmlNamespace', ''))}, "
                   f"Protocol::{PROTOCOLS[m['protocol']]}, protocols, {flag('awsQueryCompatible' in m)}, operations, "
                   f"{'{all_errors, ' + str(len(errors)) + '}'}}};")
        out.append("}  // namespace tarn::api")
        return "\n".join(out) + "\n"

    def member(self, name, ref, index, required=False):
        target = self.shapes[ref["shape"]]
        wire = ref.get("locationName")
        ns = ref.get("xmlNamespace") or {}
        if isinstance(ns, str):
            ns = {"uri": ns}
        return (f"{{{literal(name)}, {literal(wire or name)}, {literal(ref.get('queryName', ''))}, &shapes[{index[ref['shape']]}], "
                f"Location::{LOCATIONS[ref.get('location')]}, TimestampFormat::{TIMES[ref.get('timestampFormat')]}, {flag(wire)}, {flag(required)}, "
                f"{flag(ref.get('flattened'))}, {flag(ref.get('streaming') or target.get('streaming'))}, {flag(ref.get('xmlAttribute'))}, "
                f"{flag(ref.get('idempotencyToken'))}, {flag(ref.get('sensitive') or target.get('sensitive'))}, {flag(ref.get('hostLabel'))}, "
                f"{literal(ns.get('uri', ''))}, {literal(ns.get('prefix', ''))}, {flag(ref.get('jsonvalue'))}}}")

    def table_parts(self, n, i, index, out):
        s = self.shapes[n]
        if s["type"] == "structure" and s.get("members"):
            required = set(s.get("required", []))
            out.append(f"const Member m{i}[] = {{")
            out += [f"  {self.member(k, r, index, k in required)}," for k, r in s["members"].items()]
            out.append("};")
        elif s["type"] == "list":
            out.append(f"const Member m{i}[] = {{{self.member('member', s['member'], index)}}};")
        elif s["type"] == "map":
            out.append(f"const Member m{i}[] = {{{self.member('key', s['key'], index)}, {self.member('value', s['value'], index)}}};")
        if s.get("enum"):
            out.append(f"const std::string_view v{i}[] = {{{', '.join(literal(v) for v in s['enum'])}}};")

    def table_shape(self, n, i):
        s = self.shapes[n]
        kind = TYPES[s["type"]]
        members = f"m{i}" if kind == "structure" and s.get("members") else "{}"
        element = {"list": f"&m{i}[0]", "map": f"&m{i}[1]"}.get(kind, "nullptr")
        key = f"&m{i}[0]" if kind == "map" else "nullptr"
        error = s.get("error") or {}
        ns = s.get("xmlNamespace") or {}
        ns, prefix = (ns.get("uri", ""), ns.get("prefix", "")) if isinstance(ns, dict) else (ns, "")
        lo, hi = s.get("min"), s.get("max")
        is_error = bool(s.get("exception") or error)
        return (f"  {{{literal(n)}, Type::{kind}, {members}, {element}, {key}, {f'v{i}' if s.get('enum') else '{}'}, {literal(s.get('pattern', ''))}, "
                f"{float(lo or 0)!r}, {float(hi or 0)!r}, {flag(lo is not None)}, {flag(hi is not None)}, {flag(s.get('flattened'))}, {flag(s.get('streaming'))}, "
                f"{flag(s.get('sensitive'))}, {flag(s.get('document'))}, {flag(s.get('union'))}, {flag(s.get('eventstream'))}, "
                f"TimestampFormat::{TIMES[s.get('timestampFormat')]}, {literal(s.get('payload', ''))}, {literal(ns)}, {literal(s.get('locationName', ''))}, "
                f"{flag(is_error)}, {flag(error.get('senderFault'))}, {int(error.get('httpStatusCode') or 0)}, {literal(error.get('code', ''))}, {literal(prefix)}}},")

    def table_operation(self, n, op, i, has_errors, index):
        http = op.get("http", {})
        given, returned = op.get("input") or {}, op.get("output") or {}
        ns = given.get("xmlNamespace") or {}
        ns = ns.get("uri", "") if isinstance(ns, dict) else ns
        auth = op.get("auth") or []
        return (f"  {{{literal(n)}, {literal(http.get('method', 'POST'))}, {literal(http.get('requestUri', '/'))}, {http.get('responseCode', 0)}, "
                f"{'&shapes[%d]' % index[given['shape']] if given else 'nullptr'}, {'&shapes[%d]' % index[returned['shape']] if returned else 'nullptr'}, "
                f"{literal(given.get('locationName', ''))}, {literal(ns)}, {literal(returned.get('resultWrapper', ''))}, {f'e{i}' if has_errors else '{}'}, "
                f"{flag(op.get('authtype') == 'v4-unsigned-body' or op.get('unsignedPayload'))}, {flag(op.get('authtype') == 'none' or auth == ['smithy.api#noAuth'])}, "
                f"{flag(op.get('httpChecksumRequired') or (op.get('httpChecksum') or {}).get('requestChecksumRequired'))}, "
                f"{literal((op.get('endpoint') or {}).get('hostPrefix', ''))}, {flag(op.get('deprecated'))}, "
                f"{literal((self.overlay or {}).get('operations', {}).get(n, ''))}}},")

    # ---- plain structs for the operations that tarn has ----

    def cpp_type(self, shape_name, box_for=()):
        s = self.shapes[shape_name]
        kind = TYPES[s["type"]]
        if s.get("document"):
            return "Value"
        if kind == "structure":
            return f"Box<{shape_name}>" if shape_name in box_for else shape_name
        if kind == "list":
            return f"std::vector<{self.cpp_type(s['member']['shape'], box_for)}>"
        if kind == "map":
            return f"std::map<std::string, {self.cpp_type(s['value']['shape'], box_for)}>"
        return CPP_SCALARS[kind]

    def structure_refs(self, shape_name):
        """The structures that a value of this type holds, through lists and maps."""
        s = self.shapes[shape_name]
        if s.get("document"):
            return []
        if s["type"] == "structure":
            return [shape_name]
        if s["type"] == "list":
            return self.structure_refs(s["member"]["shape"])
        if s["type"] == "map":
            return self.structure_refs(s["value"]["shape"])
        return []

    def members(self, n):
        for k, ref in self.shapes[n].get("members", {}).items():
            if ref.get("streaming") or self.shapes[ref["shape"]].get("streaming") or self.shapes[ref["shape"]].get("eventstream"):
                continue  # bodies travel in the Context
            yield k, ref

    def ordered(self, roots):
        """Structures in an order in which each is complete before it is held, and for each those that it must box."""
        done, order, boxes = set(), [], {}

        def visit(n, path):
            if n in done:
                return
            boxes[n] = set()
            for _, ref in self.members(n):
                for r in self.structure_refs(ref["shape"]):
                    if r == n or r in path:
                        boxes[n].add(r)
                    else:
                        visit(r, path | {n})
            done.add(n)
            order.append(n)

        for r in roots:
            visit(r, set())
        return order, boxes

    def structs(self):
        wanted = sorted(self.overlay["operations"])
        roots, ops, synthetic = [], [], []
        for n in wanted:
            op = self.operations[n]
            row = []
            for side in ("input", "output"):
                ref = op.get(side)
                row.append(ref["shape"] if ref else "Empty")
                if ref:
                    roots.append(ref["shape"])
            ops.append((n, *row))
        for extra in self.overlay.get("structs", []):
            roots.append(extra)
        order, boxes = self.ordered(roots)
        h = [f"// Generated from botocore's model of {self.name}. Not edited.", "#pragma once", "", '#include "api/structs.hpp"', "",
             f"namespace tarn::api::{self.cpp} {{", ""]
        h += [f"struct {n};" for n in order]
        h.append("")
        for n in order:
            required = set(self.shapes[n].get("required", []))
            h.append(f"struct {n} {{")
            for k, ref in self.members(n):
                t = self.cpp_type(ref["shape"], boxes[n])
                init = "{}" if t in ("bool", "int64_t", "double") else ""
                h.append(f"  {t} {snake(k)}{init};" if k in required else f"  std::optional<{t}> {snake(k)};")
            h += [f"  bool operator==(const {n}&) const;", "};"]
        h.append("")
        for n in order:
            h.append(f"void from_value(const Value&, {n}&);")
            h.append(f"Value to_value(const {n}&);")
        h.append("")
        for enum in self.enums(order):
            h.append(f"namespace {snake(enum)} {{")
            seen = set()
            for word in self.shapes[enum]["enum"]:
                name = snake(word) or "empty"
                if name not in seen:
                    h.append(f"inline constexpr const char* {name} = {literal(word)[:-2]};")
                seen.add(name)
            h.append("}")
        h += ["", "namespace op {"]
        for n, i, o in ops:
            i, o = (x if x == "Empty" else f"{self.cpp}::{x}" for x in (i, o))
            h.append(f"struct {n} {{ static constexpr std::string_view name = \"{self.id}:{n}\"; using Input = {i}; using Output = {o}; }};")
        h += ["}  // namespace op", f"}}  // namespace tarn::api::{self.cpp}"]
        c = [f'#include "api/{self.cpp}.hpp"', "", f"namespace tarn::api::{self.cpp} {{", "using api::from_value;", "using api::to_value;", ""]
        for n in order:
            members = list(self.members(n))
            c.append(f"bool {n}::operator==(const {n}&) const = default;")
            c.append(f"void from_value([[maybe_unused]] const Value& v, [[maybe_unused]] {n}& out) {{")
            c += [f'  read_member(v, "{k}", out.{snake(k)});' for k, _ in members]
            c.append("}")
            c.append(f"Value to_value([[maybe_unused]] const {n}& in) {{")
            c.append("  Value v = Value::map();")
            c += [f'  write_member(v, "{k}", in.{snake(k)});' for k, _ in members]
            c += ["  return v;", "}"]
        c.append(f"}}  // namespace tarn::api::{self.cpp}")
        return "\n".join(h) + "\n", "\n".join(c) + "\n"

    def enums(self, order):
        found = set()

        def visit(shape):
            s = self.shapes[shape]
            if s.get("enum"):
                found.add(shape)
            elif s["type"] == "list":
                visit(s["member"]["shape"])
            elif s["type"] == "map":
                visit(s["value"]["shape"])

        for n in order:
            for _, ref in self.members(n):
                visit(ref["shape"])
        return sorted(found)


def flag(x):
    return "true" if x else "false"


def read_services(api_dir):
    lines = (api_dir / "services.txt").read_text().splitlines()
    return dict(line.split() for line in lines if line and not line.startswith("#"))


def write(path, text):
    """Only what changed is written, so that nothing else is compiled again; the build's time stamps are kept by touching."""
    if path.exists() and path.read_text() == text:
        path.touch() if path.suffix == ".cpp" else None
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def main():
    data, api_dir, out = map(Path, sys.argv[1:4])
    services = read_services(api_dir)
    if len(sys.argv) > 4:
        model = Model(data, api_dir, sys.argv[4], services[sys.argv[4]])
        write(out / f"{model.cpp}_table.cpp", model.table())
        if model.overlay is not None:
            header, source = model.structs()
            write(out / f"{model.cpp}.hpp", header)
            write(out / f"{model.cpp}.cpp", source)
        return
    names = sorted(s.replace("-", "_") for s in services)
    text = '#include "api/model.hpp"\n\nnamespace tarn::api {\n'
    text += "".join(f"extern const Service {n}_service;\n" for n in names)
    rows = ", ".join(f"&{n}_service" for n in names)
    text += f"namespace {{\nconst Service* const all[] = {{{rows}}};\n}}\n"
    text += "std::span<const Service* const> services() { return all; }\n}  // namespace tarn::api\n"
    write(out / "services.cpp", text)


if __name__ == "__main__":
    main()
