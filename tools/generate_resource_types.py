#!/usr/bin/env python3
"""Writes the C++ form of CloudFormation's resource types.

    generate_resource_types.py BOTOCORE_DATA API_DIR SCHEMAS RESOURCES_DIR OUT_FILE

SCHEMAS is cfnlint/data/schemas of the pinned cfn-lint: AWS's public resource schemas. RESOURCES_DIR holds SERVICE.json, which says what tarn
does for each type (src/deploy/resources/table_type.hpp tells the form), and waiting.json, the types whose service is still to come.

Each operation, member and property that a table names is looked up in both models here, and each property of a type must be honoured by its
create operation and its updates, or refused by name: what is forgotten stops the build.
"""

import json
import re
import sys
import zlib
from pathlib import Path

from generate_api import Model, literal, read_services

TYPE_KEYS = {"name", "exists", "adopt", "create", "update", "delete", "read", "ref", "attributes", "parts", "tags", "ready", "gone", "replacement",
             "unchanged", "immutable", "refused", "no_stack_tags", "reads", "reads_first", "one_at_a_time",
             "deletes_what_it_reads", "remade"}
CALL_KEYS = {"call", "with", "rename", "absent", "when", "missing", "taken", "except", "if", "unless", "at_update", "may_be_gone", "lookup", "list", "where"}
PART_KEYS = {"of", "each", "identity", "put", "remove", "before_delete", "update_only"}
VARIABLES = {"id", "name", "region", "account", "endpoint", "stack_id", "stack_name", "logical_id", "token", "out", "found", "read", "reads", "item", "before", "all"}
KEPT = {"type", "properties", "patternProperties", "additionalProperties", "required", "items", "enum", "enumCaseInsensitive", "const", "pattern",
        "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "oneOf", "anyOf",
        "allOf", "not", "$ref", "dependentRequired", "dependentExcluded", "requiredXor", "requiredOr", "definitions", "createOnlyProperties",
        "conditionalCreateOnlyProperties", "readOnlyProperties", "writeOnlyProperties", "primaryIdentifier", "tagging"}
NAMED = {"properties", "patternProperties", "definitions", "dependentRequired", "dependentExcluded"}


def compact(schema, top=True):
    """Without what only people read."""
    if isinstance(schema, list):
        return [compact(one, top=False) for one in schema]
    if not isinstance(schema, dict):
        return schema
    out = {}
    for key, value in schema.items():
        if key in NAMED and isinstance(value, dict):
            out[key] = {name: compact(one, top=False) for name, one in value.items()}
        elif key == "tagging":
            if isinstance(value, dict) and value.get("tagProperty"):
                out[key] = {"tagProperty": value["tagProperty"]}
        elif key in KEPT:
            out[key] = value if key in ("enum", "enumCaseInsensitive", "const") else compact(value, top=False)
    return out


class Schemas:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.index = json.loads((self.folder / "providers" / "us-east-1.json").read_text())

    def load(self, name):
        return json.loads((self.folder / "resources" / (self.index[name] + ".json")).read_text())


class Services:
    def __init__(self, data, api_dir):
        self.data, self.api_dir = Path(data), Path(api_dir)
        self.by_id = {service_id: name for name, service_id in read_services(self.api_dir).items()}
        self.by_id |= {name: name for name in self.by_id.values()}
        self.models = {}

    def operation(self, text):
        """(model, operation) of "sqs:CreateQueue"; None where tarn has no such operation."""
        service, _, name = text.partition(":")
        if service not in self.by_id:
            return None
        model = self.models.get(service) or self.models.setdefault(service, Model(self.data, self.api_dir, self.by_id[service], service))
        if name not in model.operations or name not in (model.overlay or {}).get("operations", {}):
            return None
        return model, model.operations[name]


def placeholders(text):
    for inner in re.findall(r"\{([^{}]+)\}", text):
        for one in inner.split("|"):
            one = one.strip()
            if one.startswith("'"):
                continue
            function, _, path = one.rpartition(" ")
            yield function, path


def walk_texts(node):
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from walk_texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk_texts(value)


def properties_of(node):
    return {path.split(".")[0] for text in walk_texts(node) for _, path in placeholders(text) if path[:1].isupper()}


def as_list(value):
    return value if isinstance(value, list) else [] if value is None else [value]


class TypeCheck:
    """All that is wrong with one row."""

    def __init__(self, name, table, schema, services, functions):
        self.name, self.table, self.schema, self.services, self.functions = name, table, schema, services, functions
        self.problems = []
        self.read_only = {p.removeprefix("/properties/") for p in schema.get("readOnlyProperties", [])}
        self.create_only = {p.removeprefix("/properties/").split("/")[0] for p in schema.get("createOnlyProperties", [])
                            if "/" not in p.removeprefix("/properties/")}
        self.refused = [re.split("=", p)[0].strip("/").split("/") for p in table.get("refused", {}) if "=" not in p]
        self.tags = ((schema.get("tagging") or {}).get("tagProperty") or "/properties/Tags").removeprefix("/properties/")

    def problem(self, text):
        self.problems.append(f"{self.name}: {text}")

    # The schemas of properties.
    def resolve(self, schema):
        for _ in range(16):
            if not isinstance(schema, dict) or "$ref" not in schema:
                break
            node = self.schema
            for step in schema["$ref"][2:].split("/"):
                node = node[step]
            schema = node
        return schema

    def variants(self, schema):
        """A schema, and what it may be as well."""
        schema = self.resolve(schema)
        out = [schema]
        for key in ("oneOf", "anyOf", "allOf"):
            for one in schema.get(key, []):
                out += self.variants(one)
        return out

    def members(self, schema):
        out = {}
        for one in self.variants(schema):
            out |= one.get("properties", {})
        return out

    def at(self, path):
        node = self.schema
        for step in path.split("."):
            members = self.members(node)
            if step not in members:
                return None
            node = members[step]
        return node

    def items(self, schema):
        return next((v["items"] for v in self.variants(schema) if "items" in v), None)

    # Values into inputs.
    def member(self, model, shape, name, renames):
        name = renames.get(name, name)
        members = shape.get("members", {})
        found = next((m for m in members if m == name), None) or next((m for m in members if m.lower() == name.lower()), None)
        if not found and name in ("Key", "Value"):
            found = "Tag" + name if "Tag" + name in members else None
        return model.shapes[members[found]["shape"]] if found else None

    def is_refused(self, path):
        return any(len(path) >= len(r) and all(a in (b, "*") for a, b in zip(r, path)) for r in self.refused)

    def check_fit(self, model, shape, schema, path, renames, seen=()):
        schema = self.resolve(schema)
        if id(schema) in seen or self.is_refused(path) or "/".join(path) in self.read_only:
            return
        seen += (id(schema),)
        kind = shape["type"]
        if kind == "structure" and not shape.get("document"):
            for name, sub in self.members(schema).items():
                below = path + [name]
                if self.is_refused(below) or "/".join(below) in self.read_only:
                    continue
                target = self.member(model, shape, name, renames)
                if target is None:
                    self.problem(f"/{'/'.join(below)} has no member in the operation's input")
                else:
                    self.check_fit(model, target, sub, below, renames, seen)
        elif kind == "list":
            items = self.items(schema)
            element = model.shapes[shape["member"]["shape"]]
            if items is not None:
                self.check_fit(model, element, items, path + ["*"], renames, seen)

    def check_template(self, call, model, shape, node, renames, where):
        if isinstance(node, dict):
            if shape["type"] == "map":
                for value in node.values():
                    self.check_template(call, model, model.shapes[shape["value"]["shape"]], value, renames, where)
                return
            if shape["type"] != "structure":
                if node:
                    self.problem(f"{where}: {json.dumps(node)[:60]} for a {shape['type']}")
                return
            for key, value in node.items():
                if key == "*":
                    for name in sorted(self.rest_of(call)):
                        target = self.member(model, shape, name, renames)
                        if target is None:
                            self.problem(f"{where}: the property {name} has no member in the operation's input")
                        else:
                            self.check_fit(model, target, self.schema["properties"][name], [name], renames)
                    continue
                target = self.member(model, shape, key, {})
                if target is None:
                    self.problem(f"{where}: the input has no member {key}")
                else:
                    self.check_template(call, model, target, value, renames, f"{where}.{key}")
        elif isinstance(node, list):
            element = model.shapes[shape["member"]["shape"]] if shape["type"] == "list" else shape
            for one in node:
                self.check_template(call, model, element, one, renames, where)
        elif isinstance(node, str):
            for function, path in placeholders(node):
                if path[:1].isupper() and not function and node.count("{") == 1 and node.startswith("{") and node.endswith("}"):
                    schema = self.at(path)
                    if schema is not None:
                        self.check_fit(model, shape, schema, path.split("."), renames)

    def named_by(self, call):
        with_ = call.get("with")
        out = properties_of(with_) if with_ is not None else set()
        text = json.dumps(with_)
        if with_ is not None and ("{id}" in text or "{name}" in text):
            out |= {at for at in as_list(self.table.get("name", {}).get("at")) if "." not in at}
        return out

    def rest_of(self, call):
        others = self.named_by(call) | {self.tags} | set(call.get("except", []))
        for part in self.table.get("parts", []):
            others |= {p.split(".")[0] for p in as_list(part["of"])}
        return {p for p in self.schema["properties"] if p not in others and p not in self.read_only and not self.is_refused([p])}

    def covered_by(self, call):
        with_ = call.get("with", {"*": ""})
        out = properties_of([with_, call.get("lookup", {})]) | self.named_by(call) | set(call.get("when", []))
        return out | (self.rest_of(call) if '"*"' in json.dumps(with_) else set())

    def check_texts(self, node, where):
        for text in walk_texts(node):
            for function, path in placeholders(text):
                if function and function not in self.functions:
                    self.problem(f"{where}: there is no function {function}")
                if path[:1].isupper():
                    if self.at(path) is None:
                        self.problem(f"{where}: the schema has no property {path}")
                elif path.split(".")[0] not in VARIABLES:
                    self.problem(f"{where}: {{{path}}} is nothing")

    def check_output(self, node, variable, call, where):
        """That {out.A.B} is something that the operation answers."""
        call = as_list(call)[-1] if call else None
        operation = self.services.operation(call.get("call", "")) if call else None
        for text in walk_texts(node):
            for _, path in placeholders(text):
                steps = path.split(".")
                if steps[0] != variable or len(steps) == 1:
                    continue
                if operation is None:
                    self.problem(f"{where}: {{{path}}}, but no call gives it")
                    continue
                model, op = operation
                shape = model.shapes[op["output"]["shape"]] if "output" in op else {"type": "structure"}
                for step in steps[1:]:
                    if shape["type"] == "list" and (step.isdigit() or step == "*"):
                        shape = model.shapes[shape["member"]["shape"]]
                    elif shape["type"] == "map":
                        shape = model.shapes[shape["value"]["shape"]]
                    elif step in shape.get("members", {}):
                        shape = model.shapes[shape["members"][step]["shape"]]
                    else:
                        self.problem(f"{where}: {call['call']} does not answer {path}")
                        break

    def check_call(self, call, where):
        for key in set(call) - CALL_KEYS:
            self.problem(f"{where}: {key} is nothing")
        if "lookup" in call:
            self.check_call(call["lookup"], where + ".lookup")
            self.check_texts(call["lookup"].get("where", {}), where)
            if "call" not in call:
                return
        operation = self.services.operation(call["call"])
        if operation is None:
            self.problem(f"{where}: tarn has no operation {call['call']}")
            return
        model, op = operation
        if call.get("with", {"*": ""}) and "input" in op:
            self.check_template(call, model, model.shapes[op["input"]["shape"]], call.get("with", {"*": ""}), call.get("rename", {}), where)
        self.check_texts([call.get("with", {}), call.get("if", ""), call.get("unless", "")], where)
        for name in list(call.get("absent", {})) + call.get("when", []) + call.get("except", []):
            if name not in self.schema["properties"]:
                self.problem(f"{where}: the schema has no property {name}")

    def calls(self):
        table = self.table
        for key in ("exists", "adopt", "read", "create", "update", "delete"):
            for call in as_list(table.get(key)):
                yield key, call
        for part in table.get("parts", []):
            for key in ("put", "remove"):
                for call in as_list(part.get(key)):
                    yield f"part {part['of']} {key}", call
        for key in ("tag", "untag"):
            if "tags" in table:
                yield f"tags {key}", table["tags"][key]
        for key, call in table.get("reads", {}).items():
            yield f"reads {key}", call

    def run(self):
        table, schema = self.table, self.schema
        for key in set(table) - TYPE_KEYS:
            self.problem(f"{key} is nothing")
        for where, call in self.calls():
            self.check_call(call, where)
        for part in table.get("parts", []):
            for key in set(part) - PART_KEYS:
                self.problem(f"part {part['of']}: {key} is nothing")
            for path in as_list(part["of"]):
                if self.at(path) is None:
                    self.problem(f"part: the schema has no property {path}")
        self.check_texts([table["ref"], table.get("attributes", {})], "ref")
        self.check_output([table["ref"], table.get("attributes", {})], "out", table.get("create"), "ref")
        self.check_output(table.get("attributes", {}), "read", table.get("read"), "attributes")
        for at in as_list(table.get("name", {}).get("at")):
            if self.at(at) is None:
                self.problem(f"name: the schema has no property {at}")
        for attribute in sorted(self.read_only):
            if "/" not in attribute and "." not in attribute and attribute not in table.get("attributes", {}):
                self.problem(f"the attribute {attribute} is not given")
        self.check_refused()
        self.check_members()
        self.check_covered()
        return self.problems

    def check_refused(self):
        for path in list(self.table.get("refused", {})) + list(self.table.get("replacement", {})):
            node = self.schema
            for step in path.split("=")[0].strip("/").split("/"):
                members = self.members(node)
                if not members and step != "*":
                    break  # an object whose names AWS leaves open
                node = self.items(node) if step == "*" else members.get(step)
                if node is None:
                    self.problem(f"the schema has no property {path}")
                    break

    def check_members(self):
        """Where only parts of a property are named, all its parts are."""
        named = {path for where in self.calls() for text in walk_texts([where[1].get("with", {}), where[1].get("if", "")]) for _, path in placeholders(text)}
        named |= {path for part in self.table.get("parts", []) for path in as_list(part["of"])} | set(as_list(self.table.get("name", {}).get("at")))
        for whole in sorted({path.split(".")[0] for path in named if path[:1].isupper() and "." in path}):
            if whole in named or self.at(whole) is None:
                continue
            for member in self.members(self.at(whole)):
                path = f"{whole}.{member}"
                if not self.is_refused([whole, member]) and not any(n == path or n.startswith(path + ".") for n in named):
                    self.problem(f"the property /{whole}/{member} is not honoured")

    def check_covered(self):
        """Each property is honoured when it is given, and when it changes."""
        table = self.table
        parts = {p.split(".")[0] for part in table.get("parts", []) for p in as_list(part["of"])}
        parts_at_create = {p.split(".")[0] for part in table.get("parts", []) for p in as_list(part["of"]) if not part.get("update_only")}
        tags = {self.tags} if "tags" in table else set()
        created, updated = parts_at_create | (tags if table.get("tags", {}).get("at_creation") else set()), parts | tags
        for call in as_list(table.get("create")):
            created |= self.covered_by(call)
        for call in as_list(table.get("update")):
            updated |= self.covered_by(call)
        replaced = self.create_only | {p.strip("/").split("/")[0] for p, how in table.get("replacement", {}).items() if how == "always"}
        unchanged, updated = set(table.get("unchanged", {})), updated | set(table.get("immutable", {}))
        for name in self.schema["properties"]:
            if name in self.read_only or self.is_refused([name]) or name in unchanged:
                continue
            if name not in created:
                self.problem(f"the property {name} is not honoured at creation")
            if name not in updated | replaced and not table.get("remade") and name not in as_list(table.get("name", {}).get("at")):
                self.problem(f"a change of the property {name} is not honoured")


def read_tables(resources_dir):
    """{type: (service file, row)}"""
    out = {}
    for path in sorted(Path(resources_dir).glob("*.json")):
        if path.name == "waiting.json":
            continue
        for name, row in json.loads(path.read_text()).items():
            if name in out:
                sys.exit(f"{path}: {name} is there twice")
            out[name] = (path.stem, row)
    return out


def read_waiting(resources_dir):
    out = {}
    for service, names in json.loads((Path(resources_dir) / "waiting.json").read_text()).items():
        for name in names:
            awaited = "the databases that secrets are attached to are" if name == "SecretTargetAttachment" else f"{service} is"
            out[f"AWS::{service}::{name}"] = f"{awaited} still to come"
    return out


def read_functions(resources_dir):
    text = "".join((Path(resources_dir) / f).read_text() for f in ("input_functions.cpp", "bucket_properties.cpp", "inline_code.cpp", "network_properties.cpp"))
    return set(re.findall(r'\{"(\w+)", \w+\}', text))


def main():
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    data, api_dir, schemas_dir, resources_dir, out_file = sys.argv[1:]
    schemas, services = Schemas(schemas_dir), Services(data, api_dir)
    functions, problems, packed = read_functions(resources_dir), [], []
    tables, waiting = read_tables(resources_dir), read_waiting(resources_dir)
    for name, (_, row) in sorted(tables.items()):
        if name not in schemas.index:
            problems.append(f"{name}: AWS has no such type")
            continue
        schema = schemas.load(name)
        problems += TypeCheck(name, row, schema, services, functions).run()
        text = json.dumps({"schema": compact(schema), "table": row}, separators=(",", ":"), ensure_ascii=False).encode()
        packed.append((name, text))
    waiting = {name: why for name, why in waiting.items() if name not in tables and name in schemas.index}
    if problems:
        sys.exit("\n".join(problems))
    lines = ["// Generated by tools/generate_resource_types.py; not edited by hand.", '#include "deploy/resources/known_types.hpp"', "",
             "namespace tarn::deploy {", "namespace {", "using namespace std::string_view_literals;", ""]
    lines += ["constexpr PackedType packed[] = {"]
    lines += [f"    {{{literal(name)}, {literal_bytes(zlib.compress(text, 9))}, {len(text)}}}," for name, text in packed]
    lines += ["};", "constexpr std::string_view names[] = {"] + [f"    {literal(name)}," for name in sorted(schemas.index)] + ["};"]
    lines += ["constexpr WaitingType waiting[] = {"] + [f"    {{{literal(n)}, {literal(why)}}}," for n, why in sorted(waiting.items())] + ["};"]
    lines += ["", "}  // namespace", "",
              "std::span<const PackedType> packed_types() {", "  return packed;", "}",
              "std::span<const std::string_view> aws_type_names() {", "  return names;", "}",
              "std::span<const WaitingType> waiting_types() {", "  return waiting;", "}", "", "}  // namespace tarn::deploy", ""]
    Path(out_file).parent.mkdir(parents=True, exist_ok=True)
    Path(out_file).write_text("\n".join(lines))


def literal_bytes(data):
    return '"' + "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else "\\%03o" % b for b in data) + '"sv'


if __name__ == "__main__":
    main()
