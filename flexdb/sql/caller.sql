-- frame: told
-- Tells the log of changes who calls, until the transaction ends (migrations/0021-changes.sql). It stands
-- in the FROM of whatever may write node types, nodes or relationships, where it is run once.
set_config('flexdb.caller', %(actor)s, true) AS told
