-- Invoices, and credit notes as negative ones. An invoice that is not paid is open, whatever its dunning is called.
SELECT
    i.id AS invoice_id,
    i.customer_id AS account_id,
    i.date AS issued_at,
    CASE WHEN i.due_date >= date_trunc('day', i.date) THEN i.due_date END AS due_at,
    i.paid_at,
    i.total / coalesce(u.units, 100) AS amount,
    upper(i.currency) AS currency,
    CASE i.status WHEN 'voided' THEN 'void' WHEN 'pending' THEN 'draft' WHEN 'paid' THEN 'paid' ELSE 'open' END AS status,
    'chargebee' AS source,
    i.id AS record_id
FROM invoice AS i
LEFT JOIN minor_unit AS u ON u.currency = upper(i.currency)
WHERE i.is_deleted IS NOT TRUE AND i.date IS NOT NULL AND i.total IS NOT NULL
UNION ALL
SELECT n.id, n.customer_id, n.date, NULL, n.date, -n.total / coalesce(u.units, 100), upper(n.currency),
    CASE WHEN n.status = 'voided' THEN 'void' ELSE 'paid' END, 'chargebee', n.id
FROM credit_note AS n
LEFT JOIN minor_unit AS u ON u.currency = upper(n.currency)
WHERE n.is_deleted IS NOT TRUE AND n.date IS NOT NULL AND n.total IS NOT NULL
