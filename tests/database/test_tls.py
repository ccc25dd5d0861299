"""TLS to PostgreSQL: each mode against a server with a certificate, and against one without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from testing.postgresql import Postgresql

from flexdb.config import SSL_MODES, ConfigError, Settings
from flexdb.config.reading import read_settings
from flexdb.db.address import NotReachable
from flexdb.db.migrate import migrate
from flexdb.db.pool import Pool
from flexdb.server.certificates import check_certificates
from flexdb.server.programs import run_program
from tests.support import certificates, postgres
from tests.support.certificates import Authority
from tests.support.served import Served, variables_of
from tests.support.service import Service, request
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.long, certificates.needed]

NO_TLS = "server does not support SSL"
UNTRUSTED = "certificate verify failed"
WRONG_NAME = "does not match host name"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, authority: Authority
            ) -> Iterator[Postgresql]:
    """A server with a certificate for localhost."""
    if postgres.WITH_TLS is None:
        pytest.skip("no PostgreSQL that is built with TLS is installed")
    folder = tmp_path_factory.mktemp("secured")
    cert, key = authority.issue("server", "DNS:localhost")
    (base := folder / "base").mkdir()
    for file in (cert, key):
        file.rename(base / file.name)
    server = postgres.start(
        folder, programs=postgres.WITH_TLS,
        arguments=f"-c ssl=on -c ssl_cert_file={base / cert.name} -c ssl_key_file={base / key.name}"
                  f" -c ssl_ca_file={authority.certificate}")
    authority.folder.chmod(0o755)
    yield server
    server.stop()


@pytest.fixture
def demanding(secured: Postgresql) -> Iterator[Callable[[str], None]]:
    """Let that server take only connections as a line of pg_hba.conf says."""
    access = Path(secured.get_data_directory(), "pg_hba.conf")
    before = access.read_text()
    local = to(secured, db_host=str(Path(secured.base_dir, "tmp")))

    def put(text: str) -> None:
        access.write_text(text)
        with postgres.connect(local) as connection:
            loaded = connection.execute("SELECT pg_conf_load_time()").fetchone()
            connection.execute("SELECT pg_reload_conf()")
            wait_until(lambda: connection.execute(
                "SELECT pg_conf_load_time()").fetchone() != loaded)

    yield lambda line: put(f"local all all trust\n{line}\n")
    put(before)


def to(server: Postgresql, **options: object) -> Settings:
    named = {"db_host": "localhost", **options}
    return replace(postgres.settings_of(server, "test"), **named)  # type: ignore[arg-type]


def is_encrypted(settings: Settings) -> bool:
    """Migrate and look at a connection of the pool's."""
    migrate(settings)
    pool = Pool(settings)
    try:
        with pool.connection() as connection:
            row = connection.execute(
                "SELECT s.ssl FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid()").fetchone()
    finally:
        pool.close()
    assert row
    return bool(row[0])


@pytest.mark.parametrize("mode", SSL_MODES)
def test_each_mode_reaches_a_server_with_a_certificate(
        secured: Postgresql, authority: Authority, mode: str) -> None:
    trusted = str(authority.certificate) if mode.startswith("verify") else ""
    encrypted = is_encrypted(to(secured, db_ssl_mode=mode, db_ssl_root_cert=trusted))
    # allow asks for TLS only where there is no other way.
    assert encrypted == (mode not in ("disable", "allow"))


@pytest.mark.parametrize("mode", ["disable", "prefer"])
def test_programs_of_postgresql_are_encrypted_where_flexdb_is(
        secured: Postgresql, mode: str, capfd: pytest.CaptureFixture[str]) -> None:
    settings = to(secured, db_ssl_mode=mode)
    query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    assert run_program(settings, "psql", ["-At", f"--command={query}"]) == 0
    assert capfd.readouterr().out == ("t\n" if is_encrypted(settings) else "f\n")


@pytest.mark.parametrize("mode", SSL_MODES)
def test_a_server_without_tls_is_refused_by_the_modes_that_ask_for_it(
        server: Postgresql, authority: Authority, mode: str) -> None:
    trusted = str(authority.certificate) if mode.startswith("verify") else ""
    settings = to(server, db_ssl_mode=mode, db_ssl_root_cert=trusted, db_host="127.0.0.1")
    if mode in ("disable", "allow", "prefer"):
        assert not is_encrypted(settings)
    else:
        with pytest.raises(NotReachable, match=NO_TLS):
            migrate(settings)


def test_a_server_that_takes_no_other_connections_is_reached_by_allow_and_not_by_disable(
        secured: Postgresql, demanding: Callable[[str], None]) -> None:
    demanding("hostssl all all all trust")
    assert is_encrypted(to(secured, db_ssl_mode="allow"))
    with pytest.raises(NotReachable, match="no encryption"):
        migrate(to(secured, db_ssl_mode="disable"))


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_a_certificate_that_another_authority_vouches_for_is_refused(
        secured: Postgresql, stranger: Authority, mode: str) -> None:
    with pytest.raises(NotReachable, match=UNTRUSTED):
        migrate(to(secured, db_ssl_mode=mode, db_ssl_root_cert=str(stranger.certificate)))


def test_a_certificate_for_another_host_is_refused_by_verify_full_alone(
        secured: Postgresql, authority: Authority) -> None:
    settings = to(secured, db_ssl_root_cert=str(authority.certificate), db_host="127.0.0.1")
    assert is_encrypted(replace(settings, db_ssl_mode="verify-ca"))
    with pytest.raises(NotReachable, match=WRONG_NAME):
        migrate(replace(settings, db_ssl_mode="verify-full"))


def test_system_trusts_what_the_operating_system_trusts(
        secured: Postgresql, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = to(secured, db_ssl_mode="verify-full", db_ssl_root_cert="system")
    with pytest.raises(NotReachable, match=UNTRUSTED):
        migrate(settings)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    assert is_encrypted(settings)


def test_a_client_certificate_lets_its_user_in(
        secured: Postgresql, authority: Authority, demanding: Callable[[str], None]) -> None:
    demanding("hostssl all all all cert")
    cert, key = map(str, authority.issue("postgres"))
    settings = to(secured, db_ssl_mode="require")
    with pytest.raises(NotReachable, match="client certificate"):
        migrate(settings)
    check_certificates(with_key := replace(settings, db_ssl_cert=cert, db_ssl_key=key))
    assert is_encrypted(with_key)


def test_why_postgresql_is_not_reached_is_told_to_the_operator_and_to_no_caller(
        server: Postgresql) -> None:
    settings = to(server, db_ssl_mode="require", db_host="127.0.0.1", db_pool_timeout=0.3)
    service = Service.of(settings)
    try:
        ready = service.app.test_client().get("/health/ready")
        reason = ready.get_json()["reason"]
        assert ready.status_code == 503 and NO_TLS in reason and "\n" not in reason
        refused = service.post(request("list_tenants")).json["error"]
        assert refused["data"] == {"reason": "UNAVAILABLE", "retryable": True, "retry_after": 1}
        assert "SSL" not in str(refused)
    finally:
        service.close()


def test_a_start_without_tls_goes_on_and_its_log_says_what_is_missing(
        tmp_path: Path, new_database: Callable[..., Settings]) -> None:
    with Served(tmp_path, **variables_of(new_database(), DB_SSL_MODE="require")) as served:
        served.wait("/health")
        (line,) = [line for line in served.said.splitlines() if "trying on" in line]
        assert NO_TLS in line
        assert NO_TLS in served.get("/health/ready")[1]["reason"]


@pytest.mark.parametrize("variables, told", [
    ({"DB_SSL_MODE": "verify-ca"}, "DB_SSL_MODE=verify-ca needs DB_SSL_ROOT_CERT"),
    ({"DB_SSL_MODE": "verify-full"}, "DB_SSL_MODE=verify-full needs DB_SSL_ROOT_CERT"),
    ({"DB_SSL_ROOT_CERT": "system"}, "DB_SSL_ROOT_CERT=system needs DB_SSL_MODE=verify-full"),
    ({"DB_SSL_CERT": "a.crt"}, "DB_SSL_CERT='a.crt' needs DB_SSL_KEY"),
    ({"DB_SSL_KEY": "a.key"}, "DB_SSL_KEY='a.key' needs DB_SSL_CERT")])
def test_settings_that_do_not_go_together_are_refused_in_one_line(
        variables: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_settings(variables)
    assert str(refused.value).startswith(told) and "\n" not in str(refused.value)


@pytest.mark.parametrize("name, content, told", [
    ("DB_SSL_ROOT_CERT", None, "cannot be read: No such file"),
    ("DB_SSL_ROOT_CERT", "", "is not a certificate in PEM"),
    ("DB_SSL_ROOT_CERT", "key", "is not a certificate in PEM"),
    ("DB_SSL_CERT", "text", "is not a certificate in PEM"),
    ("DB_SSL_KEY", "text", "is not the key of DB_SSL_CERT"),
    ("DB_SSL_KEY", "another key", "is not the key of DB_SSL_CERT"),
    ("DB_SSL_KEY", "open key", "may be read by others")])
def test_a_file_that_libpq_could_not_use_stops_the_start_with_one_line(
        tmp_path: Path, authority: Authority, stranger: Authority, name: str,
        content: str | None, told: str) -> None:
    cert, key = authority.issue("postgres")
    given = tmp_path / "given.pem"
    if content is not None:
        given.write_text({"key": key.read_text(), "open key": key.read_text(),
                          "another key": stranger.issue("x")[1].read_text()}.get(content, content))
        given.chmod(0o644 if content == "open key" else 0o600)
    files = {"DB_SSL_CERT": cert, "DB_SSL_KEY": key, name: given}
    with Served(tmp_path, DB_HOST="localhost", **files) as served:
        assert f"{name}='{given}' {told}" in served.refused()


def test_a_key_that_has_a_password_is_refused_and_no_terminal_is_asked(
        tmp_path: Path, authority: Authority) -> None:
    cert, key = authority.issue("postgres")
    locked = tmp_path / "locked.key"
    certificates._openssl("rsa", "-aes128", "-passout", "pass:secret", "-in", key, "-out", locked)
    locked.chmod(0o600)
    with pytest.raises(ConfigError, match="without a password"):
        check_certificates(Settings(db_ssl_cert=str(cert), db_ssl_key=str(locked)))
