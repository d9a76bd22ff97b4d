-- Every measure of the scorecard is a source of its own; scales of 5 and of 10 are brought to 100.
WITH scales AS (SELECT measure, max(score) AS highest FROM score GROUP BY measure)
SELECT
    s.company_id AS account_id,
    s.measured AS measured_at,
    s.score * CASE WHEN c.highest <= 5 THEN 20 WHEN c.highest <= 10 THEN 10 ELSE 1 END AS score,
    coalesce('gainsight ' || s.measure, 'gainsight') AS source
FROM score AS s
JOIN scales AS c ON c.measure IS NOT DISTINCT FROM s.measure
WHERE s.company_id IS NOT NULL AND s.measured IS NOT NULL AND s.score IS NOT NULL
