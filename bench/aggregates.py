"""What counting in groups costs beside the same in plain SQL."""

from __future__ import annotations

from bench.load import call, in_turn
from bench.measure import Row
from bench.rows import postgres, row
from bench.stage import Stage
from bench.yardsticks import psql


@row("the same counts in bare SQL, in psql", "what-reads-cost-beside-bare-sql")
def aggregate(stage: Stage) -> Row:
    """How many nodes there are by a text and by a number, and the same in plain SQL."""
    data = stage.data(1, stage.rows)
    subjects, claims = {}, []
    for member, limit in (("status", 1.2), ("priority", None)):
        asked = data.tenant() | {"group_by": {member: f"data.{member}"}}
        bare = ("SELECT n.data ->> '{}', count(*) FROM nodes n WHERE n.tenant_id = '{}' "
                "GROUP BY 1 ORDER BY 1;".format(member, data.tenant()["tenant_id"]))
        ours, plain = f"by {member}", f"psql, by {member}"
        subjects[ours] = in_turn(stage.service(data), stage.postgres,
                                 [call("aggregate_nodes", asked)])
        subjects[plain] = psql(stage.postgres, data.settings, [bare])
        claims.append(postgres(f"by {member}, times bare SQL's", ours, plain, limit))
    return Row(
        f"`aggregate_nodes`, counts of {stage.rows:,} nodes by the values of a member", subjects,
        claims, "A number is a key as JSON has it, 1 and 1.0 alike, where the bare SQL compares "
                "its text. One call after another, none of which is broken off.")
