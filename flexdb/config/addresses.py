"""Where several servers are: hosts, and a port of each or one for all."""

from __future__ import annotations

from flexdb.config.together import ConfigError


def addresses(names: tuple[str, str], hosts: str, ports: str) -> list[tuple[str, int]]:
    """Return the host and the port of each server that two settings name.

    :param names: what the settings are called
    :param hosts: the hosts, separated by commas
    :param ports: as many ports, or one for all
    :raises ConfigError: when they do not go together
    """
    at = [host.strip() for host in hosts.split(",")]
    found = [port.strip() for port in ports.split(",")]
    # libpq would take one without a name for a socket of this machine.
    if not all(at):
        raise ConfigError(f"{names[0]}={hosts!r} has an empty entry: it has to be a host, or "
                          "several separated by commas")
    for port in found:
        if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
            raise ConfigError(f"{names[1]}={ports!r} has to be ports from 1 to 65535, separated "
                              "by commas")
    if len(found) not in (1, len(at)):
        raise ConfigError(f"{names[1]}={ports!r} has to be one port, or as many as {names[0]} has "
                          f"hosts: {len(at)}")
    return list(zip(at, map(int, found if len(found) == len(at) else found * len(at))))
