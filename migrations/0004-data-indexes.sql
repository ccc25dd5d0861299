-- Find rows by what their data holds: equality, $in and $contains in a filter read these.
-- The original's own index on data, which serves other operators, went with 0002.
-- depends: 0002-tenant-keys

CREATE INDEX IF NOT EXISTS nodes_by_data ON nodes USING gin (data jsonb_path_ops);
CREATE INDEX IF NOT EXISTS relationships_by_data ON relationships USING gin (data jsonb_path_ops);
