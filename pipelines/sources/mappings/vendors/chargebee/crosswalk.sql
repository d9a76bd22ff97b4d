SELECT id AS record_id, external_id, email AS domain, company AS name FROM customer WHERE is_deleted IS NOT TRUE
