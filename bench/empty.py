"""The empty Flask view that the service is measured against: a constant reply, nothing else."""

from flask import Flask, Response

app = Flask(__name__, static_folder=None)


@app.post("/jsonrpc")
def empty() -> Response:
    """Answer with a constant JSON object; the body is not read."""
    return Response(b'{"jsonrpc":"2.0","result":{},"id":1}', mimetype="application/json")
