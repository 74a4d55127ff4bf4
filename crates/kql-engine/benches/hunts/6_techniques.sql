WITH detections AS (
  SELECT DeviceId, AdditionalFields -> '$.Detection' AS Detection
  FROM DeviceProcessEvents
  WHERE AdditionalFields <> ''
), techniques AS (
  SELECT DeviceId, Detection ->> '$.Tactic' AS Tactic, unnest(Detection ->> '$.Techniques[*]') AS Technique
  FROM detections
  WHERE CAST(Detection ->> '$.Score' AS INTEGER) >= 20
)
SELECT Tactic, regexp_extract(Technique, '^(T\d{3})', 1) AS Root, count(*) AS Events, count(DISTINCT DeviceId) AS Devices
FROM techniques
GROUP BY Tactic, Root
