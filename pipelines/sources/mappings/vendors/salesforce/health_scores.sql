-- A health score that is a field of the account; each version of the history is a measurement.
SELECT a.id AS account_id, h.start AS measured_at, h.health AS score, 'salesforce' AS source
FROM account_history AS h
JOIN account AS a ON a.id = h.id
WHERE a.is_deleted IS NOT TRUE AND h.health IS NOT NULL AND h.start IS NOT NULL
UNION ALL
SELECT id, health_at, health, 'salesforce' FROM account
WHERE is_deleted IS NOT TRUE AND health IS NOT NULL AND health_at IS NOT NULL
    AND id NOT IN (SELECT id FROM account_history WHERE id IS NOT NULL)
