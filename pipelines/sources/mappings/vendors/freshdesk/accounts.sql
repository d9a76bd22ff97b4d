SELECT id AS account_id, name, tier AS segment, industry, 'freshdesk' AS source, id AS record_id, created AS created_at
FROM company
WHERE is_deleted IS NOT TRUE AND created IS NOT NULL
