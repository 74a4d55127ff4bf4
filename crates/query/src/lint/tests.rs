//! Every rule with what it finds and what it leaves alone, and the built-in library.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use defender_queries::Library;

use super::{Level, Schema, check, check_file, is_of_rules, rules};

fn found(query: &str) -> Vec<&'static str> {
    check(query).iter().map(|finding| finding.rule.id).collect()
}

/// Finds exactly these, and the part of the query that each is about.
fn hits(query: &str, expected: &[(&str, &str)]) {
    let found: Vec<(&str, &str)> = check(query)
        .iter()
        .map(|finding| {
            let part = finding.span.start as usize..finding.span.end as usize;
            (finding.rule.id, &query[part])
        })
        .collect();
    assert_eq!(found, expected, "{query}");
}

const PROCESSES: &str = "DeviceProcessEvents | where Timestamp > ago(1d)";

#[test]
fn rules_are_named_once_and_explained() {
    let mut names: Vec<&str> = rules().iter().map(|rule| rule.id).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), rules().len());
    for rule in rules() {
        assert!(
            rule.summary.ends_with('.') && rule.explanation.ends_with('.'),
            "{}",
            rule.id
        );
        assert!(
            !rule
                .id
                .contains(|letter: char| !letter.is_ascii_lowercase() && letter != '-')
        );
    }
}

#[test]
fn names_of_other_languages_have_a_hint() {
    for (condition, message, hint) in [
        (
            "FileName == null",
            "no column named 'null'",
            "write isnull(x) or isnotnull(x), for strings isempty(x) or isnotempty(x)",
        ),
        (
            "FileName == 'a' -- comment",
            "no column named 'comment'",
            "comments begin with //, not with --",
        ),
        (
            "len(FileName) > 3",
            "no function named 'len'",
            "did you mean 'strlen'?",
        ),
    ] {
        let found = check(&format!("{PROCESSES} | where {condition}")).remove(0);
        let found = (found.message.as_str(), found.hint.as_deref());
        assert_eq!(found, (message, Some(hint)), "{condition}");
    }
}

#[test]
fn strings_that_touch_are_doubted() {
    for (value, is_doubted) in [
        ("'it''s'", true),
        ("\"a\"\"b\"", true),
        ("'a''b' 'c'", true),
        ("'a' 'b'", false),
        ("'a'\n'b'", false),
        ("@'it''s'", false),
        ("'it\\'s'", false),
        ("''", false),
    ] {
        let query = format!("{PROCESSES} | where FileName == {value}");
        let expected: &[(&str, &str)] = &[("joined-strings", value)];
        hits(&query, if is_doubted { expected } else { &[] });
    }
}

#[test]
fn syntax_names_and_types_are_errors() {
    for (query, rule) in [
        ("DeviceProcessEvents | where", "syntax"),
        (
            "DeviceProcessEvents | where Timestamp > ago(1d) and FileNam == 'x'",
            "unknown-name",
        ),
        (
            "DeviceProcessEvent | where Timestamp > ago(1d)",
            "unknown-name",
        ),
        (
            "DeviceProcessEvents | where Timestamp > ago(1d) and ProcessId has 5h",
            "misuse",
        ),
    ] {
        let findings = check(query);
        assert!(
            findings
                .iter()
                .any(|finding| finding.rule.id == rule && finding.rule.level == Level::Error),
            "{query}: {findings:?}"
        );
    }
    assert_eq!(found(PROCESSES), [""; 0]);
}

#[test]
fn events_are_read_with_a_filter_on_time() {
    for query in [
        "DeviceProcessEvents | where Timestamp between (ago(2d) .. now()) | count",
        "DeviceProcessEvents | where FileName == 'x' | where Timestamp > ago(1h)",
        "let P = DeviceProcessEvents; P | where Timestamp > ago(1d)",
        "union DeviceProcessEvents, DeviceNetworkEvents | where Timestamp > ago(1d)",
        "let f = (d: timespan) { DeviceEvents | where Timestamp > ago(d) }; f(1d)",
        "DeviceTvmSoftwareInventory | count",
        "print 1",
        "DeviceProcessEvents | where ingestion_time() > ago(1d)",
        "find in (DeviceEvents, DeviceInfo) where Timestamp > ago(1d) and DeviceName == 'x'",
    ] {
        assert!(
            !found(query).contains(&"missing-time-filter"),
            "{query}: {:?}",
            found(query)
        );
    }
    let rule = "missing-time-filter";
    hits(
        "DeviceProcessEvents | take 5",
        &[(rule, "DeviceProcessEvents")],
    );
    hits(
        "DeviceProcessEvents | summarize Timestamp = max(Timestamp) by DeviceId | where Timestamp > ago(1d)",
        &[(rule, "DeviceProcessEvents")],
    );
    hits(
        "let P = DeviceProcessEvents | where FileName == 'x'; P | where Timestamp > ago(1d) | union P",
        &[],
    );
    hits(
        "let P = DeviceProcessEvents | where FileName == 'x'; P | where Timestamp > ago(1d) | join kind=inner P on DeviceId",
        &[(rule, "DeviceProcessEvents")],
    );
    hits(
        "DeviceEvents | where Timestamp > ago(1d) and DeviceId in ((DeviceInfo | where OSPlatform == 'x' | project DeviceId))",
        &[(rule, "DeviceInfo")],
    );
    hits(
        "DeviceEvents | where DeviceId in ((DeviceInfo | where Timestamp > ago(1d) | project DeviceId))",
        &[(rule, "DeviceEvents")],
    );
    hits(
        "let n = toscalar(DeviceInfo | count); DeviceEvents | where Timestamp > ago(1d) | extend N = n",
        &[],
    );
}

#[test]
fn whole_words_are_looked_up() {
    let rule = "contains-for-has";
    for (operator, value) in [
        ("contains", "powershell"),
        ("!contains", "mimikatz"),
        ("contains_cs", "net user"),
    ] {
        let query = format!("{PROCESSES} | where ProcessCommandLine {operator} '{value}'");
        hits(&query, &[(rule, operator)]);
    }
    for rest in [
        "ProcessCommandLine has 'powershell'",
        "ProcessCommandLine contains '.ps1'",
        "ProcessCommandLine contains 'ps'",
        "ProcessCommandLine contains FileName",
    ] {
        assert_eq!(
            found(&format!("{PROCESSES} | where {rest}")),
            [""; 0],
            "{rest}"
        );
    }
}

#[test]
fn names_of_the_past_are_found_with_those_of_today() {
    let findings = check("DeviceAlertEvents | where Timestamp > ago(1d)");
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].rule.id, "gone-table");
    assert_eq!(
        findings[0].hint.as_deref(),
        Some("read AlertInfo and AlertEvidence")
    );
    let since = check("AppFileEvents | where Timestamp > ago(1d)");
    assert_eq!(
        since[0].message,
        "the table 'AppFileEvents' is gone since May 2021"
    );
    for gone in defender_schema::gone() {
        let query = format!("{} | where Timestamp > ago(1d)", gone.name);
        assert_eq!(found(&query), ["gone-table"], "{query}");
    }
    assert_eq!(found("let MiscEvents = print 1; MiscEvents"), [""; 0]);

    hits(
        "EmailEvents | where Timestamp > ago(1d) and FinalEmailAction == 'x'",
        &[("renamed-column", "FinalEmailAction")],
    );
    hits(
        "DeviceEvents | where Timestamp > ago(1d) | extend EventType = 1 | where EventType == 1",
        &[],
    );
    hits(
        "DeviceEvents | where Timestamp > ago(1d) | where ActionType in ('UsbDriveMount', 'UsbDriveMounted')",
        &[("renamed-value", "'UsbDriveMount'")],
    );
    hits(
        "AlertInfo | where Timestamp > ago(1d) | where ServiceSource == 'Azure ATP'",
        &[("renamed-value", "'Azure ATP'")],
    );
    hits(
        "DeviceEvents | where Timestamp > ago(1d) | where FileName == 'MTP'",
        &[],
    );
}

#[test]
fn joins_and_unions_have_bounds() {
    hits(
        &format!("{PROCESSES} | join kind=inner DeviceInfo on DeviceId"),
        &[("unbounded-join", "DeviceInfo")],
    );
    hits(
        &format!("{PROCESSES} | lookup (DeviceInfo | project DeviceId, OSPlatform) on DeviceId"),
        &[("unbounded-join", "DeviceInfo")],
    );
    hits(
        &format!(
            "{PROCESSES} | join kind=inner (DeviceInfo | where Timestamp > ago(1d)) on DeviceId"
        ),
        &[],
    );
    hits(
        "union Device* | where Timestamp > ago(1d) | count",
        &[("unbounded-union", "Device*")],
    );
    assert!(found("search 'mimikatz'").contains(&"unbounded-union"));
    assert!(
        !found("search in (DeviceEvents) Timestamp > ago(1d) and 'x'").contains(&"unbounded-union")
    );
    assert!(found("find where DeviceName == 'x'").contains(&"unbounded-union"));
}

#[test]
fn what_the_apis_do_not_take_is_found() {
    let rule = "not-on-graph";
    for (query, part) in [
        (
            format!("{PROCESSES} | summarize count() by FileName | render piechart"),
            "render piechart",
        ),
        (format!("{PROCESSES} | count; print 1"), "print 1"),
        (format!("{PROCESSES} | fork (count) (take 1)"), "fork"),
        (
            "cluster('x').database('y').T | take 1".to_owned(),
            "cluster('x')",
        ),
        (
            "declare query_parameters(n: long = 5); print n".to_owned(),
            "declare query_parameters(n: long = 5)",
        ),
    ] {
        let findings = check(&query);
        let found: Vec<&str> = findings
            .iter()
            .filter(|finding| finding.rule.id == rule)
            .map(|finding| &query[finding.span.start as usize..finding.span.end as usize])
            .collect();
        assert!(found.contains(&part), "{query}: {findings:?}");
    }
    assert_eq!(found(&format!("let n = 1; {PROCESSES} | take n")), [""; 0]);
}

#[test]
fn a_comment_allows_what_is_meant() {
    assert_eq!(
        found("// lint: allow missing-time-filter\nDeviceEvents | take 1"),
        [""; 0]
    );
    assert_eq!(
        found(
            "DeviceEvents // lint: allow contains-for-has, missing-time-filter\n| where FileName contains 'word'"
        ),
        [""; 0]
    );
    assert_eq!(
        found("print '// lint: allow missing-time-filter' | union DeviceEvents"),
        ["missing-time-filter"]
    );
}

const FILE: &str = "\
metadata: {data_environments: [MDE], data_families: [Ours]}
sources:
  words:
    description: Words
    args:
      query: |
        DeviceEvents
        | where Timestamp > {start}
        | where FileName contains 'word' and DeviceName == {host}
    parameters:
      start: {description: From, type: datetime}
      host: {description: The device, type: str}
  wrong:
    description: A name that is not there
    args: {query: 'DeviceEvents | where Timestamp > ago(1d) and Nme == ''x'''}
  broken:
    description: No text
";

#[test]
fn places_are_those_of_the_file() {
    let found: Vec<String> = check_file(FILE, SystemTime::UNIX_EPOCH)
        .into_iter()
        .map(|one| {
            let end = one.end.map(|end| format!("-{}", end.column));
            format!(
                "{}:{}{} {} {}",
                one.start.line,
                one.start.column,
                end.unwrap_or_default(),
                one.query.unwrap_or_default(),
                one.rule.id
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "3:1 words retired-api",
            "9:26-34 words contains-for-has",
            "13:1 wrong retired-api",
            "15:65-68 wrong unknown-name",
            "16:1 broken query-file",
        ]
    );
}

#[test]
fn the_built_in_library_has_no_finding() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_hours(490_000);
    let mut files = 0;
    for (name, text) in Library::built_in_files() {
        let findings: Vec<String> = check_file(text, now)
            .iter()
            // MSTICPy's names find MSTICPy's rows, which are those of `contains`.
            .filter(|finding| name != "devices" || finding.rule.id != "contains-for-has")
            .map(|finding| {
                let (query, rule) = (
                    finding.query.as_deref().unwrap_or_default(),
                    finding.rule.id,
                );
                format!(
                    "{name}:{}: {query}: {rule}: {}",
                    finding.start.line, finding.message
                )
            })
            .collect();
        assert!(findings.is_empty(), "{}", findings.join("\n"));
        files += 1;
    }
    assert!(files > 10, "{files}");
}

/// The rules as a page.
fn page() -> String {
    let mut text = String::from(
        "# The linter's rules\n\n<!-- Generated from crates/query/src/lint/rules.rs; `UPDATE_DOCS=1 cargo test -p defender-query --features local` writes it anew. -->\n\n\
         `defender lint` checks queries without running them: files of queries, files of query definitions, detection rules of Microsoft Sentinel and Microsoft Defender (YAML, or JSON as templates have it), and the blocks of `kql` in Markdown pages.\n\
         The tables are those of advanced hunting; `--schema FILE` adds those of a workspace, or of your own.\n\
         Every query is judged as one for advanced hunting, also that of a rule of Microsoft Sentinel, so that what runs only with a workspace is an error (`needs-sentinel`).\n\
         For a tenant whose workspace is connected in the Defender portal, and for rules that run in the workspace itself, give `--sentinel`: `TimeGenerated`, watchlists, `arg()` and tables such as SigninLogs are allowed then, and such tables are checked where `--schema` describes them.\n\
         It exits with 7 when it finds an error, with `--strict` also for a warning, and with 1 when its only errors are files that cannot be read; `--sarif` prints a report for code scanning.\n\
         `--allow RULE` leaves a rule out; within a query a comment does: `// lint: allow RULE`.\n\n",
    );
    for rule in rules() {
        let _ = write!(
            text,
            "## {}\n\n{}: {}\n{}\n\n",
            rule.id,
            rule.level.name(),
            rule.summary,
            rule.explanation
        );
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[test]
fn the_page_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/lint.md");
    if option_is_set("UPDATE_DOCS") {
        std::fs::write(&path, page()).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page(),
        "docs/reference/lint.md differs from the rules; \
         UPDATE_DOCS=1 cargo test -p defender-query --features local writes it anew"
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "the person at the keyboard asks for the file to be written"
)]
fn option_is_set(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

#[test]
fn patterns_and_formats_that_are_constants_are_looked_at() {
    for (rest, part) in [
        (
            "where FileName matches regex @'x(?!.)'",
            r"FileName matches regex @'x(?!.)'",
        ),
        (
            "extend a = extract('(unclosed', 1, FileName)",
            "extract('(unclosed', 1, FileName)",
        ),
        (
            "extend a = replace_regex(FileName, '[', '')",
            "replace_regex(FileName, '[', '')",
        ),
        (
            "extend a = extract_all(@'(a)\\1', FileName)",
            "extract_all(@'(a)\\1', FileName)",
        ),
        ("extend a = trim('(', FileName)", "trim('(', FileName)"),
        (
            "extend a = format_datetime(Timestamp, 'qq')",
            "format_datetime(Timestamp, 'qq')",
        ),
    ] {
        hits(&format!("{PROCESSES} | {rest}"), &[("misuse", part)]);
    }
    for rest in [
        "where FileName matches regex @'\\0|\\123'",
        "extend a = extract('(a)', 1, FileName)",
        "extend a = format_datetime(Timestamp, 'yyyy-MM-dd')",
        "extend d = parse_json(AdditionalFields) | evaluate bag_unpack(d) | where x matches regex 'y'",
        "where toscalar(range x from 1 to 100 step 1 | count) == 1",
    ] {
        assert_eq!(found(&format!("{PROCESSES} | {rest}")), [""; 0], "{rest}");
    }
}

#[test]
fn a_renamed_column_is_one_that_the_table_at_hand_has() {
    for (query, rule) in [
        (
            "AlertInfo | where Timestamp > ago(1d) and MachineId == 'x'",
            "unknown-name",
        ),
        (
            "DeviceTvmSoftwareInventory | where TimeGenerated > ago(1d)",
            "needs-sentinel",
        ),
        (
            "DeviceEvents | where Timestamp > ago(1d) and MachineId == 'x'",
            "renamed-column",
        ),
        ("DeviceEvents | where Timestmp > ago(1d)", "unknown-name"),
    ] {
        assert_eq!(found(query), [rule], "{query}");
    }
}

#[test]
fn what_only_a_workspace_has_is_an_error_and_can_be_allowed() {
    let rule = "needs-sentinel";
    let connected = Schema::default().with_sentinel();
    // What is meant, what is said without a workspace, and what with one.
    for (query, part, without, with) in [
        (
            "DeviceEvents | where TimeGenerated > ago(1d)",
            "TimeGenerated",
            "write Timestamp; ",
            None,
        ),
        (
            "DeviceTvmSoftwareInventory | project TimeGenerated",
            "TimeGenerated",
            "",
            None,
        ),
        (
            "DeviceInfo | where Timestamp > ago(1d) | summarize count() by SourceSystem",
            "SourceSystem",
            "",
            None,
        ),
        (
            "SigninLogs | where ResultType == '0'",
            "SigninLogs",
            "EntraIdSignInEvents is the nearest table of advanced hunting; ",
            Some("the columns of 'SigninLogs', a table of a workspace, cannot be checked here"),
        ),
        (
            "SecurityAlert | count",
            "SecurityAlert",
            "AlertInfo, AlertEvidence are the nearest tables of advanced hunting; ",
            Some("the columns of 'SecurityAlert', a table of a workspace, cannot be checked here"),
        ),
        (
            "table('AuditLogs') | count",
            "table('AuditLogs')",
            "CloudAppEvents is the nearest table of advanced hunting; ",
            Some("the columns of 'AuditLogs', a table of a workspace, cannot be checked here"),
        ),
        (
            "Own_CL | count",
            "Own_CL",
            "",
            Some("the columns of 'Own_CL', a table of a workspace, cannot be checked here"),
        ),
        (
            "DeviceInfo | where Timestamp > ago(1d) | join kind=inner (arg('').Resources | project name) on $left.DeviceName == $right.name",
            "arg('').Resources",
            "",
            Some("'arg()', a table of another place, cannot be checked here"),
        ),
        (
            "let w = _GetWatchlist('vips'); DeviceInfo | where Timestamp > ago(1d) and DeviceName in (w)",
            "_GetWatchlist('vips')",
            "",
            Some(
                "'_GetWatchlist' without a table named _GetWatchlist('vips') cannot be checked here",
            ),
        ),
        (
            "_Im_Dns(starttime=ago(1d)) | count",
            "_Im_Dns",
            "",
            Some("_Im_Dns(), a function of a workspace, cannot be checked here"),
        ),
        (
            "imDns | count",
            "imDns",
            "",
            Some("the columns of 'imDns', a table of a workspace, cannot be checked here"),
        ),
    ] {
        let findings = check(query);
        let found: Vec<(&str, &str, Option<&str>)> = findings
            .iter()
            .map(|one| (one.rule.id, &query[one.span.range()], one.hint.as_deref()))
            .collect();
        let mut hint = format!(
            "{without}--sentinel allows it, for a tenant whose workspace is connected in the Defender portal"
        );
        if findings[0].message.starts_with("the table ") {
            hint.push_str("; --schema FILE describes its columns");
        }
        assert_eq!(found, [(rule, part, Some(hint.as_str()))], "{query}");
        assert_eq!(findings[0].rule.level, Level::Error);
        let found: Vec<String> = connected
            .check(query)
            .into_iter()
            .map(|one| format!("{}: {}", one.rule.id, one.message))
            .collect();
        let expected: Vec<String> = with
            .iter()
            .map(|with| format!("unchecked: {with}"))
            .collect();
        assert_eq!(found, expected, "{query}");
        let allowed = format!("// lint: allow {rule}\n{query}");
        assert_eq!(self::found(&allowed), [""; 0], "{query}");
    }
}

#[test]
fn a_workspace_changes_nothing_else() {
    let connected = Schema::default().with_sentinel();
    for (query, rule) in [
        // The column is one of the table, and gone once others were taken.
        (
            "DeviceEvents | where Timestamp > ago(1d) | project Timestamp | where TimeGenerated > ago(1d)",
            "unknown-name",
        ),
        (
            "DeviceEvents | where TimeGenerated > ago(1d) and FileNam == 'x'",
            "unknown-name",
        ),
        ("Nowhere | where TimeGenerated > ago(1d)", "unknown-name"),
        ("DeviceEvents | where TimeGenerated has 5h", "misuse"),
        (
            "workspace('x').DeviceEvents | where Timestamp > ago(1d)",
            "not-on-graph",
        ),
    ] {
        let findings = connected.check(query);
        assert!(
            findings.iter().any(|one| one.rule.id == rule),
            "{query}: {findings:?}"
        );
    }
    // With a table of one's own, its columns count.
    let mut schema = Schema::default();
    let own = r#"{"SigninLogs": {"TimeGenerated": "datetime"}, "DeviceEvents": {"TimeGenerated": "datetime"}}"#;
    schema.add(own).unwrap();
    for schema in [schema.clone(), schema.with_sentinel()] {
        let ids = |query: &str| -> Vec<&str> {
            (schema.check(query).iter())
                .map(|one| one.rule.id)
                .collect()
        };
        assert_eq!(ids("SigninLogs | where TimeGenerated > ago(1d)"), [""; 0]);
        assert_eq!(ids("DeviceEvents | where TimeGenerated > ago(1d)"), [""; 0]);
        assert_eq!(
            ids("SigninLogs | where Timestamp > ago(1d)"),
            ["unknown-name"]
        );
    }
}

#[test]
fn the_rest_of_a_query_is_judged_beside_its_time() {
    hits(
        "DeviceEvents | where TimeGenerated > ago(1d) | where FileNam == 'x' | summarize max(TimeGenerated)",
        &[
            ("needs-sentinel", "TimeGenerated"),
            ("unknown-name", "FileNam"),
        ],
    );
    hits(
        "DeviceEvents | project TimeGenerated, FileName | where FileName matches regex '('",
        &[
            ("missing-time-filter", "DeviceEvents"),
            ("needs-sentinel", "TimeGenerated"),
            ("misuse", "FileName matches regex '('"),
        ],
    );
}

#[test]
fn a_union_goes_on_without_tables_that_may_be_missing() {
    let rest = "where Timestamp > ago(1d) and AccountUpn has 'x' and Other == 'y'";
    for (query, expected) in [
        (
            format!("union isfuzzy=true SigninLogs, IdentityLogonEvents | {rest}"),
            [("unchecked", Level::Note)],
        ),
        (
            format!("union IdentityQueryEvents, IdentityLogonEvents | {rest}"),
            [("unknown-name", Level::Error)],
        ),
        (
            "union isfuzzy=true SigninLogs, AuditLogs | where TimeGenerated > ago(1d)".to_owned(),
            [("missing-tables", Level::Warning)],
        ),
    ] {
        let found: Vec<(&str, Level)> = (check(&query).iter())
            .map(|one| (one.rule.id, one.rule.level))
            .collect();
        assert_eq!(found, expected, "{query}");
    }
}

#[test]
fn remarks_behind_a_number_sign_are_errors() {
    for (line, rule) in [
        ("# all of them", Some("misuse")),
        ("## all", Some("misuse")),
        ("#This is it", Some("misuse")),
        ("#crp query_take_max_records=10", Some("not-on-graph")),
        ("// all", None),
    ] {
        let rules: Vec<&str> = rule.into_iter().collect();
        assert_eq!(found(&format!("{line}\n{PROCESSES}")), rules, "{line}");
    }
}

#[test]
fn slips_of_beginners_get_a_hint() {
    for (rest, hint) in [
        ("Timestamp > ago(1w)", Some("did you mean '7d'?")),
        (
            "FileName == powershell.exe",
            Some("a text stands in quotes: \"powershell.exe\""),
        ),
        (
            "FileName in~ ('cmd.exe', powershell)",
            Some("a text stands in quotes: \"powershell\""),
        ),
        ("FileName == FolderPth", Some("did you mean 'FolderPath'?")),
        ("Nothing == FileName", None),
    ] {
        let query = format!("{PROCESSES} | where {rest}");
        let findings = check(&query);
        assert_eq!(findings.len(), 1, "{query}: {findings:?}");
        assert_eq!(findings[0].rule.id, "unknown-name", "{query}");
        assert_eq!(findings[0].hint.as_deref(), hint, "{query}");
    }
    let findings = check("DeviceEvents | where Timestamp > ago('1d')");
    assert_eq!(
        findings[0].message,
        "'ago' needs a timespan here, and this is a string; a timespan is written without quotes: 1d"
    );
}

#[test]
fn a_comment_that_allows_no_rule_is_a_finding() {
    let query = format!("// lint: allow contains-for-hass, no such\n{PROCESSES}");
    let findings = check(&query);
    let said: Vec<_> = findings
        .iter()
        .map(|finding| {
            (
                finding.rule.id,
                finding.message.as_str(),
                finding.hint.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            (
                "unknown-rule",
                "there is no rule 'contains-for-hass'",
                Some("did you mean 'contains-for-has'?")
            ),
            (
                "unknown-rule",
                "there is no rule 'no such'",
                Some("'defender lint --rules' prints them")
            ),
        ]
    );
}

#[test]
fn queries_parted_by_empty_lines_are_checked_each() {
    let query = format!("{PROCESSES}\n\n{PROCESSES} | where FileNam == 'x'\n\n{PROCESSES} | count");
    hits(&query, &[("unknown-name", "FileNam")]);
}

#[test]
fn tables_of_a_schema_are_known() {
    let mut schema = Schema::default();
    let query = "SigninLogs | where ResultTyp == '0'";
    assert_eq!(found(query), ["needs-sentinel"]);
    for text in [
        r#"{"SigninLogs": {"ResultType": "string"}}"#,
        r#"{"SigninLogs": [{"name": "ResultType", "type": "string"}]}"#,
        r#"[{"name": "SigninLogs", "columns": [{"name": "ResultType", "type": "string"}]}]"#,
        r#"{"name": "SigninLogs", "columns": [{"name": "ResultType", "type": "string"}]}"#,
    ] {
        assert_eq!(schema.add(text).unwrap(), 1, "{text}");
        let findings = schema.check(query);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(
            findings[0].hint.as_deref(),
            Some("did you mean 'ResultType'?")
        );
    }
    // A table of one's own may have the name of one that is gone.
    schema.add(r#"{"MiscEvents": {"Own": "long"}}"#).unwrap();
    assert_eq!(schema.check("MiscEvents | where Own > 1"), []);
    for text in [
        "",
        "1",
        "{}",
        "[{}]",
        r#"{"T": 1}"#,
        r#"{"T": {"a": "text"}}"#,
        r#"{"T": [{"type": "long"}]}"#,
    ] {
        assert!(schema.add(text).is_err(), "{text}");
    }
}

#[test]
fn rules_and_pages_are_checked_where_they_stand() {
    let rule =
        "name: R\nquery: |\n  DeviceInfo\n  | where Timestamp > ago(1d)\n  | project DeviceNam\n";
    assert!(is_of_rules(rule));
    assert!(!is_of_rules(FILE));
    assert!(!is_of_rules("services: {}"));
    let report = Schema::default().check_file(rule, SystemTime::UNIX_EPOCH);
    assert_eq!(report.queries, 1);
    let places: Vec<(u32, u32, Option<&str>)> = (report.findings.iter())
        .map(|one| (one.start.line, one.start.column, one.query.as_deref()))
        .collect();
    assert_eq!(places, [(5, 13, Some("R"))]);
    let page = "# P\n\n```kql\nDeviceInfo\n| where Timestamp > ago(1d)\n| project DeviceNam\n```\n";
    let report = Schema::default().check_page(page);
    assert_eq!(report.queries, 1);
    let places: Vec<(u32, u32)> = (report.findings.iter())
        .map(|one| (one.start.line, one.start.column))
        .collect();
    assert_eq!(places, [(6, 11)]);
}
