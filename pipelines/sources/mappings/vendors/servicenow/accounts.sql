-- Companies that are customers; a company that says nothing about it is one.
SELECT id AS account_id, name, country AS region, created AS created_at, 'servicenow' AS source, id AS record_id
FROM company
WHERE is_deleted IS NOT TRUE AND customer IS NOT FALSE AND created IS NOT NULL
