-- One row an account, and one more for each later version that the history has. Deleted and merged accounts are left
-- out; a merged one lives on in its master record. A deactivated user owns nothing.
WITH live AS (
    SELECT a.*, f.created_at AS seen_at
    FROM account AS a
    JOIN first_seen AS f ON f.account_id = a.id
    WHERE a.is_deleted IS NOT TRUE AND a.master_record_id IS NULL
),
versions AS (
    SELECT
        h.id,
        h.parent_id,
        h.type,
        h.owner_id,
        h.number_of_employees,
        CASE
            WHEN row_number() OVER (PARTITION BY h.id ORDER BY h.start) = 1 THEN a.seen_at
            ELSE greatest(h.start, a.seen_at)
        END AS known_at
    FROM account_history AS h
    JOIN live AS a ON a.id = h.id
    UNION ALL
    SELECT id, parent_id, type, owner_id, number_of_employees, seen_at FROM live
    WHERE id NOT IN (SELECT id FROM account_history WHERE id IS NOT NULL)
)
SELECT
    a.id AS account_id,
    coalesce(s.survivor, v.parent_id) AS parent_id,
    v.type,
    a.name,
    CASE
        WHEN v.number_of_employees < 100 THEN 'smb'
        WHEN v.number_of_employees < 1000 THEN 'mid'
        WHEN v.number_of_employees >= 1000 THEN 'enterprise'
    END AS segment,
    a.industry,
    a.region,
    CASE WHEN u.is_active IS NOT FALSE THEN u.name END AS owner,
    'salesforce' AS source,
    a.id AS record_id,
    a.seen_at AS created_at,
    v.known_at
FROM versions AS v
JOIN live AS a ON a.id = v.id
LEFT JOIN survivor AS s ON s.id = v.parent_id
LEFT JOIN "user" AS u ON u.id = v.owner_id
