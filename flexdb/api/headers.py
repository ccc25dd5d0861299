"""The headers of requests and answers, and the events of a stream, as OpenAPI describes them."""

from __future__ import annotations

from flexdb.api import consistency
from flexdb.contract.fields import Json

PREFER: Json = {
    "name": "Prefer", "in": "header", "required": False,
    "description": "`json-fields=string` gives `data` and `schema` back as strings that hold JSON "
                   "text, `json-fields=value` as JSON values (RFC 7240). Without it they are given "
                   "as this document says.",
    "schema": {"type": "string", "examples": ["json-fields=value"]},
}
IF_MATCH: Json = {
    "name": "If-Match", "in": "header", "required": False,
    "description": "ETags: the change is made only when what is there has one of them.",
    "schema": {"type": "string", "examples": ['"1-b2a8d408f663c39e"']},
}
IF_NONE_MATCH: Json = {
    "name": "If-None-Match", "in": "header", "required": False,
    "description": "ETags: when what is there has one of them, the answer is 304 without a body.",
    "schema": {"type": "string", "examples": ['"1-b2a8d408f663c39e"']},
}
ETAG: Json = {"description": "Names the state of the object.", "schema": {"type": "string"}}
LOCATION: Json = {"description": "The URL of what was created.",
                  "schema": {"type": "string", "format": "uri-reference"}}
IDEMPOTENCY_KEY: Json = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "description": "A key of the request's own: sent again with it, the same request is not done "
                   "again but answered as before, with `Idempotency-Replayed: true`. 1 to 255 "
                   "visible characters of ASCII, in quotation marks.",
    "schema": {"type": "string",
               "examples": ['"8e03978e-40d5-43dd-bc93-6894a57f9324"']},
}
_TOKEN = consistency.token(0x409f1d8)
CONSISTENCY_TOKEN: Json = {
    "name": consistency.HEADER, "in": "header", "required": False,
    "description": "The greatest that an answer gave: a replica may answer which has replayed what "
                   "that answer knew of. `any`: any replica may. Without it, and where none is "
                   "that far in time, the primary answers.",
    "schema": {"type": "string", "examples": [_TOKEN]},
}
# In the answer.
TOKEN: Json = {consistency.HEADER: {
    "description": "Where there are replicas: behind what was written, or read with a token. As "
                   "text, the later of two is the greater.",
    "schema": {"type": "string", "examples": [_TOKEN]}}}
# What a request to JSON-RPC's one URL may come with, whatever its methods.
JSONRPC = [PREFER, IDEMPOTENCY_KEY, CONSISTENCY_TOKEN]
LAST_EVENT_ID: Json = {
    "name": "Last-Event-ID", "in": "header", "required": False,
    "description": "The `id` of the last event that is known; the stream goes on behind it, "
                   "whatever `since` says.",
    "schema": {"type": "string", "examples": ["k3f9zq.a81c.1234"]},
}
EVENT: Json = {
    "type": "object", "description": "One of the events that follow until either end closes.",
    "additionalProperties": False,
    "properties": {
        "event": {"type": "string", "description": "`change`, `position` or `gone`."},
        "id": {"type": "string", "description": "The position."},
        "data": {"type": "string", "description": "Of a `change`, JSON text of an item of the "
                                                  "`changes` that the list gives."},
        "retry": {"type": "integer", "description": "After how many ms to connect anew."}}}
