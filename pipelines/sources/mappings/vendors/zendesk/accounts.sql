-- An organisation is an account. Where another source gives the accounts, it is matched with one (crosswalk.sql).
SELECT
    id AS account_id,
    name,
    created_at,
    'zendesk' AS source,
    id AS record_id,
    regexp_replace(url, '/api/v2/organizations/([0-9]+)[.]json$', '/agent/organizations/\1') AS url
FROM organization
WHERE deleted IS NOT TRUE
