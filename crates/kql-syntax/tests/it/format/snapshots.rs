//! What laid out queries look like.

use super::{formatted, formatted_to, holds};

/// Queries as people write them, each with the name of its snapshot.
pub(super) const QUERIES: &[(&str, &str)] = &[
    (
        "one_line",
        "DeviceProcessEvents|where Timestamp>ago(1d)|where FileName=~'powershell.exe' and ProcessCommandLine has_any('-enc','-nop')|project Timestamp,DeviceName,AccountName,ProcessCommandLine|take 100",
    ),
    (
        "comments_in_odd_places",
        "// Who signed in from where\n//\n// Tactics: initial access\n\n\nlet lookback = 7d; // a week\n// accounts that break glass\nlet excluded = dynamic(['admin1@contoso.com', // first\n  'admin2@contoso.com']);\n\nIdentityLogonEvents // the source\n// only the recent ones\n| where Timestamp > ago(lookback) // recent\n    // and failed\n    and ActionType == 'LogonFailed'\n| where AccountUpn !in (excluded)\n| // counted\n  summarize Failures = count(), // how often\n    Targets = dcount(DeviceName) // how many\n    , Last = max(Timestamp) // when\n  by AccountUpn, // who\n    IPAddress\n| where (\n    // many\n    Failures > 10\n    // or wide\n    or Targets > 3 // three\n  )\n//| take 5\n| sort by Failures desc // worst first\n// the end\n",
    ),
    (
        "trailing_pipes",
        "T | // one\nwhere a == 1 | // two\n  // three\nproject a, b |\ntake 5",
    ),
    (
        "functions",
        "let Suspicious=(t:(Timestamp:datetime,FileName:string),threshold:long=5){t|where FileName in~('a.exe','b.exe')|summarize n=count() by FileName|where n>threshold};let Score=(a:long,b:real){a*2+b};let Everything=view(){union A,B};let Nothing=(){\n\n// nothing yet\n\n1};\n\n\nSuspicious(DeviceFileEvents,10)|extend s=Score(n,0.5)",
    ),
    (
        "function_of_several_statements",
        "let Hunt=(user:string){let start=ago(1d); // since when\n\nlet devices=DeviceLogonEvents|where AccountName==user|distinct DeviceId;\n// all they did\nDeviceProcessEvents|where Timestamp>start and DeviceId in(devices);};Hunt('jdoe')",
    ),
    (
        "join_with_subquery",
        "DeviceNetworkEvents|where RemotePort==445|join kind=inner hint.strategy=shuffle(DeviceInfo|where OSPlatform startswith 'Windows'|summarize arg_max(Timestamp,*) by DeviceId|project DeviceId,OSPlatform) on DeviceId|join kind=leftanti Allowed on $left.RemoteIP==$right.Ip,DeviceName|lookup (DeviceTvmInfoGathering|project DeviceId,AvMode=tostring(AdditionalFields.AvMode)) on DeviceId",
    ),
    (
        "join_of_long_conditions",
        "AlertEvidence|join kind=leftouter AlertInfoOfTheWholeOrganisationIncludingItsSubsidiaries on $left.AlertId==$right.AlertId,$left.Timestamp==$right.Timestamp,ServiceSource",
    ),
    (
        "make_series",
        "DeviceLogonEvents|make-series Failed=countif(ActionType=='LogonFailed') default=0,Succeeded=countif(ActionType=='LogonSuccess') default=0 on Timestamp from startofday(ago(14d)) to startofday(now()) step 1h by DeviceName,AccountDomain|extend (anomalies,score,baseline)=series_decompose_anomalies(Failed,1.5,-1,'linefit')|mv-expand anomalies to typeof(long),Timestamp to typeof(datetime) limit 1000|render anomalychart with(anomalycolumns=anomalies,title='Failed logons')",
    ),
    (
        "short_series",
        "T | make-series n=count() default=0 on Timestamp in range(ago(7d), now(), 1d) by a",
    ),
    (
        "parse",
        "DeviceEvents|parse kind=relaxed AdditionalFields with * 'ScriptName\":\"' ScriptName:string '\",' * 'Length\":' Length:long ',\"Signer\":\"' Signer '\"' *|parse-where Command with 'cmd /c ' Rest|parse-kv Fields as(user:string,['src ip']:string,port:long) with(pair_delimiter=';',kv_delimiter='=')",
    ),
    (
        "mv_apply",
        "EmailEvents|mv-apply threat=split(ThreatTypes,',') to typeof(string) on(where isnotempty(threat)|summarize Threats=make_set(trim(' ',threat))|extend n=array_length(Threats))|mv-apply x=a limit 3 on(take 1)",
    ),
    (
        "datatable",
        "let Known=datatable(Name:string,Hash:string,FirstSeen:datetime,Score:real,)['mimikatz','61c0810a23580cf492a6ba4f76545661',datetime(2021-01-01),1.0, // the classic\n\n'rubeus',@'c:\\tools\\rubeus.exe',datetime(null),-0.5,];\n// one column\nlet Ports=datatable(Port:int)[22,3389];let One=datatable(a:long,b:string)[1,'x'];Known|join kind=inner Ports on $left.Score==$right.Port",
    ),
    (
        "externaldata",
        "let Feed=externaldata(Ip:string,Seen:datetime)[h@'https://example.com/feed.csv' h'?sv=secret'] with(format='csv',ignoreFirstRecord=true);let Lists=external_data(Domain:string)['https://example.com/a.txt','https://example.com/b.txt','https://example.com/c-with-a-rather-long-name.txt'];Feed|where Ip in((Lists|project Domain))",
    ),
    (
        "unions",
        "union isfuzzy=true withsource=Source Device*,(EmailEvents|where EmailDirection=='Inbound'|project Timestamp,What=Subject),(IdentityLogonEvents|project Timestamp,What=ActionType)|summarize count() by Source;T|union A,B;union kind=outer database('x').T*",
    ),
    (
        "case_and_iff",
        "T|extend Severity=case(Score>=90 and Confidence=='high','critical',Score>=70 or (Category has 'ransom' and not(Remediated)),'high',Score>=40,'medium','low'),Label=iff(isempty(Name),iff(isempty(Fallback),'unknown',strcat('fallback: ',Fallback)),strcat(Name,' (',tostring(Count),' seen, last on ',format_datetime(Last,'yyyy-MM-dd'),')'))|extend Short=case(a==1,'x','y')",
    ),
    (
        "long_in_list",
        "DeviceNetworkEvents|where RemoteIP in('203.0.113.1','203.0.113.2','203.0.113.3', // c2\n'203.0.113.4','203.0.113.5','203.0.113.6','203.0.113.7','203.0.113.8')|where FileName !in~('svchost.exe','lsass.exe')|where RemoteUrl has_any('evil.example','bad.example','worse.example','malware.example','phishing.example','c2.example')",
    ),
    (
        "long_predicates",
        "T|where (ActionType=='PowerShellCommand' and AdditionalFields has 'DownloadString') or (InitiatingProcessFileName in~('winword.exe','excel.exe') and FileName=~'cmd.exe' and ProcessCommandLine matches regex @'(?i)\\s-e(nc)?\\s') or Timestamp between(datetime(2024-01-01)..datetime(2024-02-01))|where a !between(1..2) and x<>1 and y notcontains 'z'",
    ),
    (
        "arithmetic",
        "T|extend TotalDurationInMinutes=(datetime_diff('minute',EndTimestamp,StartTimestamp)+datetime_diff('minute',LastSeen,FirstSeen))*60-OffsetOfTheDevice/2%7,Negative=-x,Positive=+(a+b)",
    ),
    (
        "dynamic_literals",
        "let Severities = dynamic({\n  'high': 3, // worst\n  'low':1\n});\nlet Short=dynamic([1,2]);T|where Severity in(dynamic(['a','b']))|extend w=Severities[tostring(Severity)],x=bag_pack('name',Name,'values',dynamic([1,\n 2]),'when',Timestamp,'who',AccountUpn,'where',DeviceName)",
    ),
    (
        "scalar_subqueries",
        "let Latest=toscalar(DeviceInfo|summarize max(Timestamp));let Devices=materialize(DeviceInfo|where Timestamp>Latest-1d|distinct DeviceId);let Busy=toscalar(DeviceInfo|summarize n=count() by DeviceId|top 1 by n|project DeviceId);DeviceEvents|where DeviceId in(Devices) or DeviceId in((DeviceInfo|where IsAzureADJoined|project DeviceId))|where DeviceId in(DeviceInfo|project DeviceId)",
    ),
    (
        "strings",
        "T|where a=='it\\'s' or a==\"say \\\"x\\\"\" or a==@'c:\\temp' or a==h'secret' or a==H@\"hidden\" or a=='one ' 'two ' \"three\" or a==```\nmany\n  lines``` and b == ''",
    ),
    (
        "literals",
        "print 0x1F,1e-3,1.50,1d,a==guid(00000000-0000-0000-0000-000000000001) , datetime( 2024-01-02T03:04:05Z ),time(1.02:03:04),true,TRUE,int(null),-9223372036854775808,long( 5 )",
    ),
    (
        "top_and_sort",
        "T|top 10 by Count desc nulls last|sort by A asc,B desc nulls first,C granny-desc|order by D|limit 5|top-nested 3 of State with others='Rest' by n=count() desc,top-nested 2 of City by sum(Damage)|top-hitters 5 of a by b|sample-distinct 3 of x|project-reorder Time*,* asc|distinct *",
    ),
    (
        "fork_facet_partition",
        "T|fork Daily=(summarize count() by bin(Timestamp,1d)) (where a==1|take 5)|facet by A,B with(where c>1|take 7);T|partition hint.strategy=native by Device(top 3 by Timestamp|project Timestamp,Device);T|partition by Device{U|where Device==toscalar(Device)|take 1};T|facet by a",
    ),
    (
        "scan",
        "T|sort by Timestamp asc|scan with_match_id=id declare(steps:long=0,final:string='') with(step start:Action=='Open'=>steps=1,final=File; // opened\nstep middle output=all:Action in('Read','Write') and start.Device==Device and Timestamp-start.Timestamp<5m and isnotempty(File)=>steps=middle.steps+1,final=strcat(middle.final,'>',File);step stop optional:Action=='Close';)",
    ),
    (
        "graph",
        "Edges|make-graph Source-->Target with Nodes on Id,Other on Key|graph-match cycles=none(a)-[e*1..5]->(b)<-[f]-(c)--(d) where a.Name=='x' and e.Kind=='y' and b.Level>5 project From=a.Name,To=b.Name,Path=e.Label,Whatever=c.SomeLongProperty,Last=d.SomeOtherProperty;Edges|make-graph s--t with_node_id=id|graph-to-table nodes as N with_node_id=id,edges as E",
    ),
    (
        "search_and_find",
        "search kind=case_sensitive in(DeviceEvents,DeviceInfo) 'mimikatz' and (FileName:'x' or * has 'y');find withsource=Table in(DeviceEvents,DeviceFileEvents,DeviceNetworkEvents,DeviceProcessEvents) where DeviceName=='pc1' and Timestamp>ago(1h) project Timestamp,DeviceName,pack(*);find 'x'",
    ),
    (
        "plugins",
        "T|evaluate bag_unpack(Fields,'f_'):(*,f_name:string,f_port:long)|evaluate pivot(OSPlatform,count(),DeviceGroup)|invoke FileProfile(SHA1,1000)|render timechart|render columnchart kind=stacked, title='x';range day from ago(7d) to now() step 1d|reduce by Name with threshold=0.3|getschema|count|as hint.materialized=true Result|serialize n=row_number()|project-away a*,b|project-rename New=Old",
    ),
    (
        "directives_and_declarations",
        "#connect cluster('help').database('Samples')\n\n#crp query_now=datetime(2024-01-01)\n// with options\nset notruncation;set query_datascope='hotcache';\ndeclare query_parameters(Since:timespan=1d,Names:dynamic=dynamic([]));alias database d=cluster('c').database('x');declare pattern app=(name:string)[scope:string]{('a').['b']={T|where a=='b'};('c').['d']={U};};restrict access to(T,database('d').U*) with (reason='x');T",
    ),
    (
        "long_summarize",
        "DeviceProcessEvents|summarize Commands=make_set(ProcessCommandLine,100),FirstSeen=min(Timestamp),LastSeen=max(Timestamp),Devices=dcount(DeviceId) by InitiatingProcessFileName,AccountName,bin(Timestamp,1h)|summarize AllTheCommandLinesThatWereSeenOnTheDevice=make_set(strcat(InitiatingProcessFileName,' -> ',FileName),1000) by DeviceId|summarize count() by AccountName|summarize by a,b|summarize count() by InitiatingProcessAccountName,InitiatingProcessAccountDomain,InitiatingProcessFileName,InitiatingProcessFolderPath",
    ),
    (
        "long_projects",
        "EmailEvents|project Timestamp,NetworkMessageId,SenderFromAddress,RecipientEmailAddress,Subject,DeliveryAction,ThreatTypes,Directory=tolower(parse_json(AdditionalFields).Directory['path'][0].value),['odd name']=1|distinct SenderFromAddress,RecipientEmailAddress,DeliveryAction,DeliveryLocation,EmailDirection,AuthenticationDetails",
    ),
    (
        "windows_text",
        "\u{feff}// from Windows\r\nlet a = 1;\r\n\r\n\r\n\r\nT // é\r\n| where b == a \r\n| extend c = dynamic({\r\n  'k': 1\r\n})\r\n\r\n// bye\r\n\r\n",
    ),
];

#[test]
fn realistic_queries() {
    for (name, query) in QUERIES {
        crate::accepted(query);
        insta::assert_snapshot!(*name, formatted(query));
    }
}

#[test]
fn realistic_queries_stay_what_they_are() {
    for (_, query) in QUERIES {
        holds(query);
    }
}

#[test]
fn in_narrow_lines() {
    let (_, query) = QUERIES[0];
    insta::assert_snapshot!(formatted_to(query, 40));
}
