SELECT id AS contact_id, company_id AS account_id, name, title AS role, email, phone,
    CASE WHEN is_deleted THEN updated END AS left_at
FROM contact
WHERE company_id IS NOT NULL
