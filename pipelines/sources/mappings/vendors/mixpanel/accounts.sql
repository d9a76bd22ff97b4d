-- A company exists from its first event. Mixpanel knows no name: with a CRM as the first source, its accounts are used.
SELECT account_id, min(time) AS created_at, 'mixpanel' AS source FROM company_event
WHERE account_id IS NOT NULL
GROUP BY account_id
