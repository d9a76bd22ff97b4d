SELECT id AS contact_id, company_id AS account_id, name, title AS role, email, phone,
    CASE WHEN active IS FALSE THEN updated END AS left_at
FROM "user"
WHERE company_id IS NOT NULL
