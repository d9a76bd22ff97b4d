-- An issue as it was created, with its first priority. A duplicate counts with the issue that it duplicates.
-- Our own records are left out.
WITH opening AS (
    SELECT c.issue_id, arg_min(coalesce(p.name, c.value), c.time) AS priority
    FROM change AS c
    LEFT JOIN priority AS p ON p.id = c.value
    WHERE c.field = 'priority'
    GROUP BY c.issue_id
),
duplicates AS (
    SELECT issue_id, min(related_issue_id) AS original FROM issue_link
    WHERE lower(relationship) = 'duplicates' GROUP BY issue_id
)
SELECT
    i.id AS ticket_id,
    c.company_id AS account_id,
    i.created AS opened_at,
    coalesce(t.name, i.issue_type) AS category,
    o.priority,
    i.summary AS subject,
    i.description AS body,
    d.original AS merged_into,
    'jira' AS source,
    i.key AS record_id,
    CASE
        WHEN contains(i.url, '/rest/api/') THEN regexp_replace(i.url, '/rest/api/.*$', '') || '/browse/' || i.key
        ELSE i.url
    END AS url
FROM issue AS i
LEFT JOIN company_of AS c ON c.issue_id = i.id
LEFT JOIN issue_type AS t ON t.id = i.issue_type
LEFT JOIN opening AS o ON o.issue_id = i.id
LEFT JOIN duplicates AS d ON d.issue_id = i.id AND d.original IN (SELECT id FROM issue)
WHERE i.is_deleted IS NOT TRUE AND i.created IS NOT NULL
    AND NOT regexp_matches(coalesce(i.summary, ''), '\[Rescue [a-z2-7]{13}\]\s*$')
