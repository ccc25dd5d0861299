-- A tag names a row as one write left it. A version begins again with a row that is made anew under
-- its id, and an import brings a row's version and times along, but each has the xmin of the
-- transaction that wrote it; and in another database, where xmin begins again, another time.

-- frame: is_wanted
-- Whether a row that is to be changed has one of the tags that were asked for, and none of those that
-- were excluded.
(%(only)s::text[] IS NULL OR found.tag = ANY (%(only)s::text[]))
AND (%(never)s::text[] IS NULL OR found.tag <> ALL (%(never)s::text[]))
