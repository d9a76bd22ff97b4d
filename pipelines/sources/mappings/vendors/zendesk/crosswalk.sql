-- The names by which other systems may know an organisation: its external id, and each of its domains.
SELECT id AS record_id, external_id, CAST(NULL AS VARCHAR) AS domain, name FROM organization WHERE deleted IS NOT TRUE
UNION ALL
SELECT organization_id, NULL, domain_name, NULL FROM domain_name
