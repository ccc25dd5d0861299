"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, jsonify

from flexdb.api.callers import Callers
from flexdb.api.readiness import why_not
from flexdb.db.lags import lags
from flexdb.db.run import Runner
from flexdb.errors import FlexdbError


def init_app(app: Flask, runner: Runner, callers: Callers) -> None:
    """Add ``/health`` and ``/health/ready``."""
    blueprint = Blueprint("health", __name__, url_prefix="/health")

    @blueprint.get("")
    def health() -> Response:
        """Answer whenever the process lives."""
        return jsonify(status="ok")

    @blueprint.get("/ready")
    def ready() -> tuple[Response, int]:
        """Answer 200 only when PostgreSQL takes writes and the schema is up to date."""
        reason = why_not(runner)
        told = {"status": "unavailable" if reason else "ok"}
        status = 503 if reason else 200
        if not reason and runner.replicas is None:
            return jsonify(told), status
        try:
            callers.check_operator()
        except FlexdbError:
            return jsonify(told), status
        # Without them the primary answers all the same.
        replicas = [lag._asdict() for lag in lags(runner)]
        return jsonify(told | ({"reason": reason} if reason else {})
                       | ({"replicas": replicas} if replicas else {})), status

    app.register_blueprint(blueprint)
