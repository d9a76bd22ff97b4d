SELECT id AS record_id, CAST(NULL AS VARCHAR) AS external_id, website AS domain, name FROM company
WHERE is_deleted IS NOT TRUE
