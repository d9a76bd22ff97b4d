SELECT u.id AS contact_id, coalesce(m.account_id, u.company_id) AS account_id, u.name, u.title AS role, u.email, u.phone
FROM person AS u
LEFT JOIN (
    SELECT user_id, max_by(group_id, received) AS account_id FROM membership WHERE user_id IS NOT NULL GROUP BY user_id
) AS m ON m.user_id = u.id
WHERE coalesce(m.account_id, u.company_id) IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY u.id ORDER BY u.received DESC NULLS LAST) = 1
