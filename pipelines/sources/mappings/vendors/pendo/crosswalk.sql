SELECT id AS record_id, external_id, domain, name FROM account
QUALIFY row_number() OVER (PARTITION BY id ORDER BY last_updated_at DESC NULLS LAST) = 1
