-- How much was asked for is no record of anyone's.
DROP TABLE IF EXISTS flexdb_usage;
