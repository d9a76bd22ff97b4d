SELECT
    c.id AS contact_id,
    coalesce(s.survivor, c.company_id, o.company_id) AS account_id,
    nullif(concat_ws(' ', c.first_name, c.last_name), '') AS name,
    c.title AS role,
    c.email,
    c.phone
FROM contact AS c
LEFT JOIN survivor AS s ON s.id = c.company_id
LEFT JOIN contact_of AS o ON o.contact_id = c.id
WHERE c.is_deleted IS NOT TRUE AND coalesce(c.company_id, o.company_id) IS NOT NULL
