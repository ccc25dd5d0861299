-- What is in it is good for seconds.
DROP TABLE IF EXISTS flexdb_rate_usage;
