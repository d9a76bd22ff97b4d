-- A group's id is the one that the product knows the company by.
SELECT id AS record_id, coalesce(external_id, id) AS external_id, domain, name FROM newest_company
