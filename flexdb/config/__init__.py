"""The settings: what each is called, what it is when it is not set, and what it may be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from flexdb.config.addresses import addresses
from flexdb.config.together import JWT_ALGORITHMS as JWT_ALGORITHMS
from flexdb.config.together import ConfigError as ConfigError
from flexdb.config.together import Networks as Networks
from flexdb.config.together import check_together
from flexdb.config.together import networks as networks

JsonFields = Literal["value", "string"]
Auth = Literal["", "local", "open", "required"]
EnforceSchemas = Literal["all", "valid", "none"]
MIB = 1024 * 1024
# The largest number that every reader of JSON keeps to the digit (RFC 8259, section 6).
_MOST = 2**53 - 1
# With none of these set, an embedded PostgreSQL is started.
DATABASE_VARIABLES = ("DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD", "DB_NAME", "DB_SSL_MODE")
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


def _setting(
    default: Any, help: str, least: float = 0, most: float = 2**31 - 1,
    choices: tuple[str, ...] = (),
) -> Any:
    metadata = {"help": help, "least": least, "most": most, "choices": choices}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """Every setting under its variable's name in lower case, with its default."""

    db_host: str = _setting("localhost", "PostgreSQL host, or the folder of its socket; of "
                            "several, separated by commas, the one that takes writes is used")
    db_port: int | str = _setting(5432, "PostgreSQL port; of several hosts, one for all or each "
                                  "one's, separated by commas", 1, 65535)
    db_user: str = _setting("postgres", "PostgreSQL user")
    db_password: str = _setting("postgres", "PostgreSQL password")
    db_name: str = _setting("dbaas", "PostgreSQL database name")
    db_ssl_mode: str = _setting("disable", "PostgreSQL SSL mode", choices=SSL_MODES)
    db_ssl_root_cert: str = _setting("", "file with the certificates of who may vouch for "
                                     "PostgreSQL, or `system` for those of the operating system")
    db_ssl_cert: str = _setting("", "file with the client certificate that PostgreSQL asks for")
    db_ssl_key: str = _setting("", "file with the key of that certificate")
    db_pgbouncer: bool = _setting(False, "whether `DB_HOST` and `DB_PORT` are PgBouncer's, in "
                                  "transaction mode", choices=("true", "false"))
    db_direct_host: str = _setting("", "PostgreSQL's own host for migrations, where `DB_HOST` is "
                                   "PgBouncer's; may be several too; empty for the same")
    db_direct_port: int | str = _setting(0, "PostgreSQL's own port likewise; 0 for the same", 0,
                                         65535)
    db_replica_host: str = _setting("", "hosts of replicas, from which calls with a "
                                    "`Consistency-Token` may read, separated by commas; none when "
                                    "empty")
    db_replica_port: str = _setting("5432", "their ports, separated by commas, or one for all")
    replica_wait: float = _setting(0.5, "how long such a call waits for a replica that is behind, "
                                   "until the primary answers it, in seconds", 0.01, 60)
    db_row_security: bool = _setting(False, "whether each statement names its tenant to "
                                     "PostgreSQL, as the command `row-security on` wants it",
                                     choices=("true", "false"))
    jsonrpc_host: str = _setting("0.0.0.0", "JSON-RPC server host")
    jsonrpc_port: int = _setting(5000, "JSON-RPC server port", 1, 65535)
    jsonrpc_socket: str = _setting("", "a Unix socket to listen on as well, for nginx on the same "
                                   "machine")
    rest_enabled: bool = _setting(True, "whether the REST API and its documentation are served",
                                  choices=("true", "false"))
    console_enabled: bool = _setting(True, "whether the console is served at `/console`",
                                     choices=("true", "false"))
    auth: Auth = _setting("", "who needs a key: all, all but this machine, or nobody; when empty "
                          "`required` with `JSONRPC_SOCKET`, and `local` without",
                          choices=("required", "local", "open"))
    jwt_keys: str = _setting("", "the keys by which tokens of users are signed: a file with a "
                             "JWKS, or its https URL; needs `JWT_ISSUER` and `JWT_AUDIENCE`")
    jwt_issuer: str = _setting("", "what the claim `iss` of a token must be")
    jwt_audience: str = _setting("", "what must be among a token's `aud`")
    jwt_algorithms: str = _setting("RS256,ES256,Ed25519", "by which algorithms tokens may be "
                                   "signed, separated by commas")
    jwt_user_claim: str = _setting("sub", "the claim that is the user's id")
    jwt_tenant_claim: str = _setting("", "the claim with the ids of the user's tenants; when empty "
                                     "they are those of which the user is a member")
    jwt_role_claim: str = _setting("", "the claim with the user's role in them; together with that")
    jwt_leeway: int = _setting(30, "how far the clock of who signs tokens may be off, in seconds",
                               0, 300)
    jwt_refresh: int = _setting(300, "the age at which `JWT_KEYS` is read anew, in seconds", 30,
                                86400)
    allowed_hosts: str = _setting("", "names of this service, beside localhost, under which pages "
                                  "of other sites may call it without a key, separated by commas")
    trusted_proxies: str = _setting("", "addresses and networks of proxies whose `X-Forwarded-For` "
                                    "tells where a request is from, separated by commas; one at "
                                    "`JSONRPC_SOCKET` is trusted without")
    cors_origins: str = _setting("", "origins that browsers may call from, separated by commas, or "
                                 "`*`; none when empty")
    json_fields: JsonFields = _setting(
        "value", "how `data` and `schema` are given back: as JSON values, or as strings that hold "
        "JSON text, as the original flex-db does", choices=("value", "string"))
    enforce_schemas: EnforceSchemas = _setting(
        "all", "which node types' stored schemas hold for what is written to their nodes: all, so "
        "that nothing is written where one is no JSON Schema; those that are valid; or none, as in "
        "the original flex-db", choices=("all", "valid", "none"))
    workers: int = _setting(2, "gunicorn worker processes", 1, 1024)
    threads: int = _setting(16, "threads of each worker; at least `DB_POOL_SIZE` + "
                            "`DB_POOL_QUEUE` + 2", 1, 1024)
    timeout: int = _setting(60, "a worker that gives no sign of life for that long is killed, in "
                            "seconds", 5, 3600)
    graceful_timeout: int = _setting(30, "how long the calls of a worker that is to end may go on, "
                                     "in seconds", 1, 3600)
    keepalive: int = _setting(75, "how long a connection is kept without a request, in seconds", 2,
                              3600)
    max_requests: int = _setting(100_000, "a worker is replaced after that many requests; never "
                                 "when 0")
    max_requests_jitter: int = _setting(10_000, "up to that many more, drawn anew for each worker, "
                                        "so that not all are replaced at once")
    db_pool_size: int = _setting(8, "connections to PostgreSQL of each worker", 1, 1000)
    db_pool_queue: int = _setting(6, "calls of each worker that may wait for a connection; more "
                                  "are refused at once", 1, 1000)
    db_pool_timeout: float = _setting(1.5, "how long a call waits for a connection, in seconds",
                                      0.1, 60)
    tenant_connections: int = _setting(0, "how many of a worker's connections the calls of one "
                                       "tenant may have at once; 0 for three of four", 0, 1000)
    rate_limit: int = _setting(0, "calls of a tenant a second; none are refused when 0", 0, 10**6)
    rate_burst: int = _setting(0, "how many of them at once, after a rest; twice `RATE_LIMIT` when "
                               "0", 0, 10**7)
    statement_timeout: float = _setting(10.0, "how long a call may take in PostgreSQL, in seconds",
                                        0.1, 86400)
    long_timeout: float = _setting(300.0, "the same for large work (`delete_tenant`, "
                                   "`delete_node_type`, `create_nodes`, `create_relationships`, "
                                   "`upsert_nodes`, `update_nodes`, `delete_nodes`, "
                                   "`create_relationship_type`, `update_relationship_type`, "
                                   "`delete_relationship_type`, `create_webhook`, "
                                   "`delete_webhook`, `erase_node`), in seconds", 0.1, 86400)
    filter_timeout: float = _setting(1.0, "the same for a statement whose filter has `$regex`, in "
                                     "seconds", 0.01, 86400)
    max_body_bytes: int = _setting(16 * MIB, "the largest request body, in bytes", 1024)
    max_batch: int = _setting(1000, "the most calls in a batch", 1)
    max_depth: int = _setting(100, "the deepest nesting of JSON", 4, 250)
    max_json_bytes: int = _setting(MIB, "the largest `data` or `schema`, in bytes of compact JSON "
                                   "text with its numbers written out", 2, 64 * MIB)
    max_page_bytes: int = _setting(8 * MIB, "a page of a list ends when its JSON is larger, in "
                                   "bytes", 1024, 256 * MIB)
    max_walk: int = _setting(100_000, "how many relationships `traverse` and `shortest_path` may "
                             "look at before they end early", 1)
    max_answer_bytes: int = _setting(32 * MIB, "the largest answer, in bytes: the reads of a "
                                     "batch behind that are refused; at least `MAX_PAGE_BYTES`",
                                     1024, 1024 * MIB)
    events_keep: int = _setting(365, "for how many days `list_events` can tell who changed "
                                "tenants, users, members and keys", 1, 36500)
    idempotency_hours: int = _setting(24, "for how many hours a request with an `Idempotency-Key` "
                                      "is answered as before when it is sent again", 1, 8760)
    changes_days: int = _setting(30, "for how many days what changed is kept; for ever when 0", 0,
                                 36500)
    changes_most: int = _setting(1_000_000, "how many changes of a tenant at most; any number when "
                                 "0", 0, _MOST)
    max_nodes: int = _setting(0, "how many nodes a tenant may have, unless it has a limit of its "
                              "own; any number when 0", 0, _MOST)
    max_relationships: int = _setting(0, "how many relationships likewise", 0, _MOST)
    max_bytes: int = _setting(0, "how many bytes the JSON of a tenant's node types, nodes and "
                              "relationships may weigh likewise, as PostgreSQL writes it", 0, _MOST)
    deliver: bool = _setting(False, "whether a start also starts `python -m flexdb deliver`, "
                             "which ends with it; `make run`, `python wsgi.py` and `flexdb serve` "
                             "do unless told not to", choices=("true", "false"))
    webhook_threads: int = _setting(16, "how many webhooks' deliveries `python -m flexdb deliver` "
                                    "sends at once", 1, 1024)
    webhook_timeout: float = _setting(15.0, "how long one of them may take in all, in seconds", 1,
                                      50)
    webhook_days: int = _setting(7, "for how many days deliveries are listed that are done, or "
                                 "given up", 1, 3650)
    webhook_allow: str = _setting("", "addresses and networks that webhooks may lead to although "
                                  "they are not public, separated by commas")
    webhook_http: bool = _setting(False, "whether webhooks may lead to http and to any port, as "
                                  "for tests", choices=("true", "false"))
    secret_key: str = _setting("", "the key that encrypts the secrets of webhooks in PostgreSQL, "
                               "as `openssl rand -base64 32` gives it; of several, separated by "
                               "commas, the first encrypts and all decrypt; without one they are "
                               "stored unencrypted")
    stream_poll: float = _setting(0.25, "how often a worker looks whether something changed, for "
                                  "streams and calls that wait, in seconds", 0.01, 60)
    max_streams: int = _setting(500, "how many streams of changes a worker may have open; three of "
                                "four of one tenant", 1, 100_000)
    max_waiting: int = _setting(16, "how many calls with `wait` a worker lets wait for a change "
                                "likewise", 1, 100_000)
    heartbeat: float = _setting(15, "how often a stream without changes says its position, in "
                                "seconds", 0.1, 3600)
    log_level: str = _setting("INFO", "the least severe log lines to write",
                              choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    log_format: str = _setting("text", "log lines as text, or as JSON objects",
                               choices=("text", "json"))
    log_slow: float = _setting(0.0, "a call that takes that long is a warning in the log, which "
                               "says where the time went, in seconds; none is when 0", 0, 86400)

    @property
    def auth_mode(self) -> Auth:
        """Return who needs a key: whom the socket lets in came through a proxy."""
        return self.auth or ("required" if self.jsonrpc_socket else "local")

    @property
    def db_addresses(self) -> list[tuple[str, int]]:
        """Return the host and the port of each server that the calls may go to."""
        return addresses(("DB_HOST", "DB_PORT"), self.db_host, str(self.db_port))

    @property
    def db_direct_addresses(self) -> list[tuple[str, int]]:
        """Return the same of what is reached past PgBouncer."""
        host, port = self.db_direct_host, self.db_direct_port
        return addresses(("DB_DIRECT_HOST" if host else "DB_HOST",
                          "DB_DIRECT_PORT" if port else "DB_PORT"),
                         host or self.db_host, str(port or self.db_port))

    @property
    def replica_addresses(self) -> list[tuple[str, int]]:
        """Return the host and the port of each replica."""
        return addresses(("DB_REPLICA_HOST", "DB_REPLICA_PORT"), self.db_replica_host,
                         self.db_replica_port) if self.db_replica_host else []

    @property
    def jwt_algorithm_names(self) -> list[str]:
        """Return the algorithms by which tokens may be signed."""
        return [name.strip() for name in self.jwt_algorithms.split(",") if name.strip()]

    def __post_init__(self) -> None:
        check_together(self)
