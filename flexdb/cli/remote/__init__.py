"""The commands over HTTP: they stand on the client, and know nothing of the service.

What a command needs is imported when it runs.
"""

from __future__ import annotations

from flexdb.cli.remote.calls import call
from flexdb.cli.remote.changes import changes
from flexdb.cli.remote.checks import check
from flexdb.cli.remote.completion import completion
from flexdb.cli.remote.graph import graph
from flexdb.cli.remote.keys import keys
from flexdb.cli.remote.loading import dump, load
from flexdb.cli.remote.node_types import types
from flexdb.cli.remote.nodes import nodes
from flexdb.cli.remote.profiles import profiles
from flexdb.cli.remote.relationships import relationships
from flexdb.cli.remote.tenants import tenants

COMMANDS = (tenants, types, nodes, relationships, graph, load, dump, check, changes, keys, call,
            profiles, completion)
