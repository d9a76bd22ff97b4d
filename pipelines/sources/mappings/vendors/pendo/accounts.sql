-- An account of Pendo in its newest version; it exists from its first visit.
SELECT id AS account_id, name, segment, region, created_at, 'pendo' AS source, id AS record_id
FROM (
    SELECT *, coalesce(least(first_visit, created), first_visit, created, last_updated_at) AS created_at FROM account
    QUALIFY row_number() OVER (PARTITION BY id ORDER BY last_updated_at DESC NULLS LAST) = 1
)
WHERE created_at IS NOT NULL
