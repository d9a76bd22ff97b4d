SELECT
    id AS account_id,
    name,
    CASE WHEN size < 100 THEN 'smb' WHEN size < 1000 THEN 'mid' WHEN size >= 1000 THEN 'enterprise' END AS segment,
    industry,
    'intercom' AS source,
    id AS record_id,
    coalesce(remote_created_at, created_at, updated_at) AS created_at
FROM newest_company
WHERE coalesce(remote_created_at, created_at, updated_at) IS NOT NULL
