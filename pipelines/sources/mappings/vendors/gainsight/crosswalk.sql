-- A company of Gainsight usually carries the id of its account in Salesforce.
SELECT id AS record_id, crm_id AS external_id, website AS domain, name FROM company WHERE is_deleted IS NOT TRUE
UNION ALL
SELECT id, crm_id, NULL, NULL FROM company WHERE crm_id IS NOT NULL AND is_deleted IS NOT TRUE
