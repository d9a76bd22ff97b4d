SELECT c.id AS contact_id, o.company_id AS account_id, c.name, c.role, c.email, c.phone
FROM contact AS c
JOIN company_of_contact AS o ON o.contact_id = c.id
QUALIFY row_number() OVER (PARTITION BY c.id ORDER BY c.updated_at DESC NULLS LAST) = 1
