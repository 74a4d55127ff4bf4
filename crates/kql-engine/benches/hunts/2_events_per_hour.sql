SELECT DeviceName, date_trunc('hour', Timestamp) AS Hour, count(*) AS Events
FROM DeviceProcessEvents
WHERE ActionType = 'ProcessCreated'
GROUP BY ALL
HAVING count(*) > 300
