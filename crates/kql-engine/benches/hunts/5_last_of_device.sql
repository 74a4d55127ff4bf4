SELECT DeviceId, list_sort(list(DISTINCT AccountName)) AS Accounts, max(Timestamp) AS Timestamp,
       arg_max(FileName, Timestamp) AS FileName, arg_max(ProcessCommandLine, Timestamp) AS ProcessCommandLine
FROM DeviceProcessEvents
WHERE lower(InitiatingProcessFileName) = 'cmd.exe'
GROUP BY DeviceId
