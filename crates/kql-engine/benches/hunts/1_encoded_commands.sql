SELECT Timestamp, DeviceName, AccountName, FileName, ProcessCommandLine
FROM DeviceProcessEvents
WHERE Timestamp BETWEEN TIMESTAMP '2026-10-10 00:00:00' AND TIMESTAMP '2026-10-17 00:00:00'
  AND regexp_matches(ProcessCommandLine, '(?i)(^|[^a-z0-9])(encodedcommand|frombase64string|downloadstring)($|[^a-z0-9])')
  AND regexp_matches(ProcessCommandLine, '(?i)(^|[^a-z0-9])hidden($|[^a-z0-9])')
