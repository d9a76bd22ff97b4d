-- End users. Somebody in two organisations is a contact of the default one. When a user was deactivated is not known
-- exactly: the record's last change is the latest moment at which it can have been.
SELECT
    id AS contact_id,
    organization_id AS account_id,
    name,
    email,
    phone,
    CASE WHEN active IS FALSE OR suspended THEN updated_at END AS left_at
FROM "user"
WHERE coalesce(role, 'end-user') = 'end-user' AND organization_id IS NOT NULL
