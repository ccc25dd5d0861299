-- write: erase_node -> erased
-- How many changes there were of it.
SELECT flexdb_erase_history(%(tenant_id)s, %(id)s) AS erased
