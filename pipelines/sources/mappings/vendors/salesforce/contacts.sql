SELECT
    c.id AS contact_id,
    coalesce(s.survivor, c.account_id) AS account_id,
    coalesce(c.name, nullif(concat_ws(' ', c.first_name, c.last_name), '')) AS name,
    c.title AS role,
    c.email,
    c.phone,
    CASE WHEN c.left_company THEN c.last_modified_date END AS left_at
FROM contact AS c
LEFT JOIN survivor AS s ON s.id = c.account_id
WHERE c.is_deleted IS NOT TRUE AND c.account_id IS NOT NULL
