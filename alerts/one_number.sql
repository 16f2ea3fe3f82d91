-- A rule's rows with one number, as Grafana's alerting takes them: LABELS, NUMBER and RULE are put in when rules are rendered.
SELECT LABELS, NUMBER FROM (
RULE
)
