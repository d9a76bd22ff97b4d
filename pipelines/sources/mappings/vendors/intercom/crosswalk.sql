-- Intercom's company_id is the id that the product gave when it reported the company.
SELECT id AS record_id, external_id, website AS domain, name FROM newest_company
