-- frame: aggregate
-- Groups of rows, in order, as many as asked for and as many as weigh no more than a page may, at
-- least one.
SELECT page.groups, page.shown, page.truncated
FROM (
    SELECT coalesce(json_agg(g.object ORDER BY g.place) FILTER (WHERE g.shown), '[]'::json)
           AS groups,
           count(*) FILTER (WHERE g.shown) AS shown,
           count(*) > count(*) FILTER (WHERE g.shown) AS truncated
    FROM (
        SELECT g.object, g.place,
               g.place <= %(limit)s
               AND (g.place = 1 OR sum(octet_length(g.object::text)) OVER walk <= %(page_bytes)s)
               AS shown
        FROM (
            SELECT json_build_object({members}) AS object, g.place
            FROM (
                SELECT {cells}, row_number() OVER (ORDER BY {order}) AS place
                FROM (
                    SELECT {columns}
                    FROM (
                        SELECT {parts}
                        FROM ({rows}) {row}
                        GROUP BY {parting}
                    ) p
                    GROUP BY {grouping}
                ) g
                WHERE {having}
                ORDER BY place
                LIMIT %(limit)s + 1
            ) g
        ) g
        WINDOW walk AS (ORDER BY g.place ROWS UNBOUNDED PRECEDING)
    ) g
) page
WHERE EXISTS (SELECT FROM tenants t WHERE t.id = %(tenant_id)s)

-- frame: count
SELECT {total} AS count
WHERE EXISTS (SELECT FROM tenants t WHERE t.id = %(tenant_id)s)
