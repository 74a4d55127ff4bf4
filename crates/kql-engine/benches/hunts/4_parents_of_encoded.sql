SELECT parent.FileName AS ParentFile, count(*) AS Children, count(DISTINCT child.DeviceId) AS Devices, max(child.Timestamp) AS Last
FROM DeviceProcessEvents child
JOIN DeviceProcessEvents parent
  ON child.DeviceId = parent.DeviceId
 AND child.InitiatingProcessId = parent.ProcessId
 AND child.InitiatingProcessCreationTime = parent.ProcessCreationTime
WHERE lower(child.FileName) IN ('powershell.exe', 'pwsh.exe')
  AND regexp_matches(child.ProcessCommandLine, '(?i)(^|[^a-z0-9])encodedcommand($|[^a-z0-9])')
  AND parent.ActionType = 'ProcessCreated'
  AND child.Timestamp - parent.Timestamp < INTERVAL 2 HOUR
GROUP BY parent.FileName
