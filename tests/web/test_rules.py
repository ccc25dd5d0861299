"""The rules by which URLs are found and written."""

from __future__ import annotations

from werkzeug.routing import Map, Rule

from tests.support.service import Service


def test_a_url_is_written_as_by_werkzeugs_own_rule(service: Service) -> None:
    """Ours compiles what writes it when it is wanted, and not for every rule at each start."""
    found = list(service.app.url_map.iter_rules())
    assert len(found) > 100
    for rule in found:
        own = Rule(rule.rule, defaults=rule.defaults, endpoint=rule.endpoint)
        Map([own], converters=service.app.url_map.converters)
        parts = {name: "a b/ü" for name in rule.arguments}
        for arguments, unknown in (({}, False), ({"more": "ä&="}, True), ({"more": "ä"}, False)):
            assert rule.build(parts | arguments, unknown) == own.build(parts | arguments, unknown)
