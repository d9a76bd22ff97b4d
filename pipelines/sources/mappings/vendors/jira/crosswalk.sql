-- Jira's organisations have no domain: they are matched by an id that both have, by links, or with match_by = ["name"].
SELECT DISTINCT c.company_id AS record_id, CAST(NULL AS VARCHAR) AS external_id, coalesce(g.name, o.name) AS name
FROM company_of AS c
LEFT JOIN organization AS g ON g.id = c.company_id
LEFT JOIN field_option AS o ON o.id = c.company_id
