-- frame: is_wanted
-- Whether a row that is to be changed has one of the tags that were asked for, or none of those that
-- were excluded.
(%(tags)s::text[] IS NULL OR (found.tag = ANY (%(tags)s::text[])) <> %(unless)s::boolean)
