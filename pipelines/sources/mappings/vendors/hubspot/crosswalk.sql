SELECT id AS record_id, external_id, domain, name FROM company WHERE is_deleted IS NOT TRUE
UNION ALL
SELECT survivor, id, NULL, NULL FROM survivor
