-- A company has several domains.
SELECT c.id AS record_id, c.external_id, d.domain, c.name
FROM company AS c
LEFT JOIN company_domain AS d ON d.company_id = c.id
WHERE c.is_deleted IS NOT TRUE
