"""Validates files of CloudEvents JSON lines against docs/schemas, and checks docs/asyncapi.yaml.
Arguments: the folder docs, then the files. Prints one line about what it validated."""

import json
import pathlib
import sys

try:
    import jsonschema
except ImportError:
    print("skipped: Python has no jsonschema (Debian's python3-jsonschema)")
    sys.exit(0)

docs = pathlib.Path(sys.argv[1])
validators = {}
for path in (docs / "schemas").glob("*.json"):
    schema = json.loads(path.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validators[path.stem] = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.FormatChecker()
    )

count = 0
types = set()
for name in sys.argv[2:]:
    for line in open(name):
        event = json.loads(line)
        subject = event["subject"]
        if subject.startswith("$") and not subject.startswith("$amendment-"):
            continue
        validators[event["type"]].validate(event["data"])
        types.add(event["type"])
        count += 1

try:
    import yaml
except ImportError:
    channels = "no channels: Python has no yaml"
else:
    document = yaml.safe_load((docs / "asyncapi.yaml").read_text())

    def resolve(reference):
        if reference.startswith("#/"):
            value = document
            for part in reference[2:].split("/"):
                value = value[part]
            return value
        return validators[pathlib.Path(reference).name.removesuffix(".json")]

    def check(value):
        if isinstance(value, dict):
            for key, member in value.items():
                resolve(member) if key == "$ref" else check(member)
        elif isinstance(value, list):
            for member in value:
                check(member)

    check(document)
    assert document["asyncapi"] == "3.0.0" and document["info"].keys() >= {"title", "version"}
    assert document["channels"].keys() == validators.keys()
    for name, channel in document["channels"].items():
        category, _, type = channel["address"].partition(".")
        assert type == name and list(channel["messages"]) == [name], name
    published = [operation["channel"]["$ref"] for operation in document["operations"].values()]
    assert sorted(published) == sorted(f"#/channels/{name}" for name in validators)
    assert all(operation["action"] == "send" for operation in document["operations"].values())
    channels = f"{len(published)} channels"

print(f"valid: {count} events of {len(types)} types, {len(validators)} schemas, {channels}")
