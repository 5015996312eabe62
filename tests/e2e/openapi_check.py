"""Holds replies against the OpenAPI document: openapi_check.py openapi.json calls.tsv

A line of calls.tsv: method, path, status, file of the reply, file of its headers.
Every reply must be documented (status, content type, headers, shape), every operation called, and
each of its documented answers seen, but for those that only a broken machine gives.
"""
import json
import re
import sys

NOT_HERE = {"500", "503"}
# A log that was pruned is a long one: 30-retention.sh has it.
ELSEWHERE = {"auditEntries": {"404"}}
# Receipts are looked at by the scenario itself: open routes have none.
OPTIONAL = {"Cofre-Audit"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}

document = json.load(open(sys.argv[1], encoding="utf-8"))
failures = []


def resolve(node):
    while "$ref" in node:
        target = document
        for step in node["$ref"][2:].split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def is_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def validate(value, schema, at):
    """The complaints about value; the part of JSON Schema that the document uses."""
    schema = resolve(schema)
    types = schema.get("type")
    if types is not None:
        types = [types] if isinstance(types, str) else types
        if not any(is_type(value, t) for t in types):
            return [f"{at} is not {' or '.join(types)}"]
    bad = []
    if "enum" in schema and value not in schema["enum"]:
        bad.append(f"{at} is not one of {schema['enum']}")
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        bad.append(f"{at} does not match {schema['pattern']}")
    if isinstance(value, int) and value < schema.get("minimum", value):
        bad.append(f"{at} is below the minimum")
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        bad += [f"{at} lacks {name}" for name in schema.get("required", []) if name not in value]
        for name, inner in value.items():
            if name in properties:
                bad += validate(inner, properties[name], f"{at}/{name}")
            elif properties:
                bad.append(f"{at}/{name} is not documented")
    if isinstance(value, list) and "items" in schema:
        for i, inner in enumerate(value):
            bad += validate(inner, schema["items"], f"{at}/{i}")
    return bad


def operations():
    for path, methods in document["paths"].items():
        pattern = re.sub(r"\{(\w+)\}", lambda m: ".+" if m[1] == "path" else "[^/:]+", path)
        pattern = re.compile(f"^{pattern}$")
        for method, operation in methods.items():
            if method != "parameters":
                yield method, pattern, operation


def read_headers(name):
    lines = open(name, encoding="latin-1").read().splitlines()[1:]
    return {k.strip().lower(): v.strip() for k, v in (line.split(":", 1) for line in lines if ":" in line)}


def check(operation, status, body, headers):
    responses = operation["responses"]
    if status not in responses:
        return [f"status {status} is not documented"]
    response = resolve(responses[status])
    content = response.get("content", {})
    kind = headers.get("content-type", "").split(";")[0]
    if kind not in content:
        return [f"content type {kind} is not documented for {status}"]
    bad = []
    for name, header in response.get("headers", {}).items():
        if name.lower() not in headers:
            if name not in OPTIONAL:
                bad.append(f"{status} lacks the header {name}")
        elif "pattern" in resolve(header).get("schema", {}):
            bad += validate(headers[name.lower()], resolve(header)["schema"], name)
    if kind.endswith("json") and "schema" in content[kind]:
        bad += validate(json.loads(body), content[kind]["schema"], "")
    return bad


table = list(operations())
seen = {}
for line in open(sys.argv[2], encoding="utf-8"):
    method, path, status, body, headers = line.rstrip("\n").split("\t")
    path = path.split("?")[0]
    found = [o for m, p, o in table if m == method.lower() and p.match(path)]
    if len(found) != 1:
        failures.append(f"{method} {path}: {len(found)} operations match")
        continue
    name = found[0]["operationId"]
    seen.setdefault(name, set()).add(status)
    text = open(body, "rb").read()
    failures += [f"{name}: {what}" for what in check(found[0], status, text, read_headers(headers))]

for _, _, operation in table:
    name = operation["operationId"]
    missing = set(operation["responses"]) - NOT_HERE - ELSEWHERE.get(name, set()) - seen.get(name, set())
    if missing:
        failures.append(f"{name}: never answered {', '.join(sorted(missing))}")

for failure in failures:
    print(failure)
print(f"{len(seen)} of {len(table)} operations called")
sys.exit(1 if failures else 0)
