-- Find rows by scanning them.

DROP INDEX IF EXISTS nodes_by_data;
DROP INDEX IF EXISTS relationships_by_data;
