SELECT
    id AS account_id,
    parent_id,
    name,
    CASE WHEN employees < 100 THEN 'smb' WHEN employees < 1000 THEN 'mid' WHEN employees >= 1000 THEN 'enterprise' END
        AS segment,
    industry,
    region,
    csm AS owner,
    'gainsight' AS source,
    id AS record_id,
    coalesce(created, (SELECT min(created) FROM company)) AS created_at
FROM company
WHERE is_deleted IS NOT TRUE
