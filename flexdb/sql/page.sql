-- frame: page
-- One page of a list: the rows after {after}, as many as asked for and as many as weigh no more
-- than a page may, at least one. One row more than asked for tells whether there is a next page.
SELECT page.items, page.rows, {total} AS total_count, {next}
FROM (
    SELECT coalesce(json_agg({object}) FILTER (WHERE {row}.shown), '[]'::json) AS items,
           count(*) FILTER (WHERE {row}.shown) AS rows, {last}
    FROM (
        SELECT {row}.*,
               row_number() OVER walk <= %(page_size)s
               AND (row_number() OVER walk = 1 OR sum({row}.size) OVER walk <= %(page_bytes)s)
               AS shown
        FROM (
            SELECT {row}.*
            FROM ({list}) {row}
            {after}
            ORDER BY {order}
            LIMIT %(page_size)s + 1
        ) {row}
        WINDOW walk AS (ORDER BY {order} ROWS UNBOUNDED PRECEDING)
    ) {row}
) page
{scope}
