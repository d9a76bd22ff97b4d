-- How other systems may know an account: its number, its website, and the ids of the accounts that were merged into it.
SELECT id AS record_id, account_number AS external_id, website AS domain, name FROM account
WHERE is_deleted IS NOT TRUE AND master_record_id IS NULL
UNION ALL
SELECT s.survivor, s.id, a.website, NULL
FROM survivor AS s
JOIN account AS a ON a.id = s.id
WHERE s.survivor <> s.id
