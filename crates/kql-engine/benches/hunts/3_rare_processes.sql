SELECT FileName, SHA256, count(DISTINCT DeviceId) AS Devices, count(*) AS Runs, min(Timestamp) AS First
FROM DeviceProcessEvents
GROUP BY FileName, SHA256
HAVING count(*) > 3
ORDER BY Devices ASC, Runs DESC, SHA256 ASC
LIMIT 10
