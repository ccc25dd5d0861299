"""Data that the tables hold and no call could create."""

from __future__ import annotations

import json

ODD = {
    "3 MB": json.dumps({"a": "x" * 3_000_000}), "1 MB of numbers": json.dumps({"a": [1] * 600_000}),
    "1e400": '{"a": 1e400, "b": -1e400}', "1e5000": '{"a": 1e5000, "b": 1.5e5000}',
    "1e-400": '{"a": 1e-400}', "1e100000": '{"a": 1e100000}',
    **{f"depth {depth}": '{"a":' * depth + "1" + "}" * depth for depth in (150, 300, 1500, 6000)},
    "arrays 2000 deep": '{"a":' + "[" * 2000 + "]" * 2000 + "}",
}
NO_OBJECTS = {"an array": "[1, [2]]", "a text": '"a text"', "JSON text": '"{}"', "a number": "7",
              "a large number": "1e400", "true": "true", "null": "null"}
