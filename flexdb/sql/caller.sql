-- frame: set_caller
-- Says who calls, for the log of changes, until the transaction ends (migrations/0021-changes.sql). It
-- stands in the FROM of whatever may write node types, nodes or relationships, where it is run once.
set_config('flexdb.caller', %(actor)s, true) AS set_caller
