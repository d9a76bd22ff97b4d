-- Companies. Deleted ones are left out, and those that were merged into another one are no longer in HubSpot's list.
WITH owners AS (
    SELECT id, coalesce(nullif(concat_ws(' ', first_name, last_name), ''), email) AS name FROM owner
    WHERE archived IS NOT TRUE
)
SELECT
    c.id AS account_id,
    c.parent_id,
    CASE WHEN lower(c.stage) = 'partner' THEN 'partner' END AS type,
    c.name,
    CASE WHEN c.employees < 100 THEN 'smb' WHEN c.employees < 1000 THEN 'mid' WHEN c.employees >= 1000 THEN 'enterprise' END
        AS segment,
    c.industry,
    c.country AS region,
    o.name AS owner,
    'hubspot' AS source,
    c.id AS record_id,
    'https://app.hubspot.com/contacts/' || c.portal_id || '/company/' || c.id AS url,
    coalesce(c.created, (SELECT min(created) FROM company)) AS created_at
FROM company AS c
LEFT JOIN owners AS o ON o.id = c.owner_id
WHERE c.is_deleted IS NOT TRUE AND c.id NOT IN (SELECT id FROM survivor WHERE id IS NOT NULL)
