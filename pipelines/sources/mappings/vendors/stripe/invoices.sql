-- Invoices with their total, prorations included, and credit notes as negative invoices. Amounts are converted from the
-- smallest unit of their currency. An invoice that is paid without a date was paid when its charge succeeded.
WITH charged AS (SELECT invoice_id, min(created) AS paid_at FROM charge WHERE paid GROUP BY invoice_id)
SELECT
    i.id AS invoice_id,
    i.customer_id AS account_id,
    i.created AS issued_at,
    CASE WHEN i.due_date >= date_trunc('day', i.created) THEN i.due_date END AS due_at,
    coalesce(i.paid_at, CASE WHEN i.paid OR i.status = 'paid' THEN coalesce(c.paid_at, i.created) END) AS paid_at,
    i.total / coalesce(u.units, 100) AS amount,
    upper(i.currency) AS currency,
    i.status,
    'stripe' AS source,
    i.id AS record_id,
    coalesce(i.url, 'https://dashboard.stripe.com/invoices/' || i.id) AS url
FROM invoice AS i
LEFT JOIN charged AS c ON c.invoice_id = i.id
LEFT JOIN minor_unit AS u ON u.currency = lower(i.currency)
WHERE i.is_deleted IS NOT TRUE AND i.livemode IS NOT FALSE AND i.total IS NOT NULL
UNION ALL
SELECT
    n.id,
    i.customer_id,
    n.created,
    NULL,
    n.created,
    -n.total / coalesce(u.units, 100),
    upper(n.currency),
    CASE WHEN n.status = 'void' THEN 'void' ELSE 'paid' END,
    'stripe',
    n.id,
    'https://dashboard.stripe.com/credit_notes/' || n.id
FROM credit_note AS n
JOIN invoice AS i ON i.id = n.invoice_id
LEFT JOIN minor_unit AS u ON u.currency = lower(n.currency)
WHERE n.livemode IS NOT FALSE AND n.total IS NOT NULL
