-- frame: page
-- One page of a list: at least one row, whatever that weighs.
{before}
SELECT page.items, page.rows, {total} AS total_count, {next}
FROM (
    SELECT concat('[', string_agg({object}, ', ') FILTER (WHERE {row}.shown), ']')::varchar AS items,
           count(*) FILTER (WHERE {row}.shown) AS rows, {last}
    FROM ({shown}) {row}
) page
{scope}

-- frame: shown
-- The rows of a list from some place on, and which of them are shown: as many as asked for, and as
-- many as weigh no more than they may together. One row more tells whether there are others.
SELECT {row}.*{further},
       row_number() OVER walk <= {most}
       AND ({first}sum({weight}) OVER walk <= {bytes}) AS shown
FROM ({taken}) {row}
{brought}
WINDOW walk AS (ORDER BY {order} ROWS UNBOUNDED PRECEDING)

-- frame: some
SELECT {row}.*
FROM ({list}) {row}
{after}
ORDER BY {order}
LIMIT {most} + 1

-- frame: some_by_one_plan
-- How many that are is kept from the planner, which would plan anew for each call if it could count
-- on few; what it is told is that it can never be all.
SELECT {row}.*
FROM (
    SELECT {row}.*
    FROM ({list}) {row}
    {after}
    ORDER BY {order}
    LIMIT {largest} + 1
) {row}
ORDER BY {order}
LIMIT (SELECT {most} + 1)
