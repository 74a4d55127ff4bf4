//! Which columns come out, and of what type.

use kql_semantics::{BindOptions, Diagnostic};

use super::{schema, tables};

#[track_caller]
fn gives(query: &str, expected: &str) {
    assert_eq!(schema(query), expected, "{query}");
}

#[test]
fn aggregates_name_their_columns() {
    gives(
        "Events | summarize count(), sum(FileSize), dcount(DeviceId), countif(Remote), avg(Pid), max(Timestamp) by FileName",
        "FileName:string count_:long sum_FileSize:long dcount_DeviceId:long countif_Remote:long avg_Pid:real max_Timestamp:datetime",
    );
    gives(
        "Events | summarize make_set(AdditionalFields.Name), make_list(Pid)",
        "set_AdditionalFields_Name:dynamic list_Pid:dynamic",
    );
    gives(
        "Events | summarize make_set(Pid), make_set(Pid)",
        "set_Pid:dynamic set_Pid1:dynamic",
    );
    gives(
        "Events | summarize percentiles(FileSize, 5, 99.9)",
        "percentile_FileSize_5:long percentile_FileSize_99_9:long",
    );
    gives(
        "Events | summarize sum(FileSize) / count(), count() + 1 by bin(Timestamp, 1d)",
        "Timestamp:datetime Column1:long Column2:long",
    );
    gives("Events | summarize by DeviceId", "DeviceId:string");
    gives(
        "Events | summarize argmax(Timestamp, FileName)",
        "max_Timestamp:datetime max_Timestamp_FileName:string",
    );
}

#[test]
fn arg_max_keeps_names_and_leaves_out_keys() {
    gives(
        "Devices | summarize arg_max(Timestamp, *) by DeviceId",
        "DeviceId:string Timestamp:datetime Platform:string",
    );
    gives(
        "Devices | summarize Last = arg_max(Timestamp, Platform), take_any(Platform)",
        "Last:datetime Platform:string Platform1:string",
    );
    gives(
        "Devices | summarize (When, What) = arg_max(Timestamp, Platform)",
        "When:datetime What:string",
    );
}

#[test]
fn projections_name_what_nobody_named() {
    gives(
        "Events | project FileSize, FileSize + 1, AdditionalFields.A[0].B, tostring(Pid), strlen(FileName), -Pid",
        "FileSize:long Column1:long AdditionalFields_A_0_B:dynamic Pid:string strlen_FileName:long Column2:long",
    );
    gives(
        "Devices | extend Platform = strlen(Platform), Other = 1",
        "Timestamp:datetime DeviceId:string Platform:long Other:long",
    );
    gives(
        "print 1, a = 'x', now()",
        "print_0:long a:string print_2:datetime",
    );
    gives("Devices | project-away T*, Platform", "DeviceId:string");
    gives(
        "Devices | project-keep *Id, Platform",
        "DeviceId:string Platform:string",
    );
    gives(
        "Devices | project-rename When = Timestamp",
        "When:datetime DeviceId:string Platform:string",
    );
    gives(
        "Devices | project-reorder Platform, * asc",
        "Platform:string DeviceId:string Timestamp:datetime",
    );
    gives(
        "Devices | distinct Platform, DeviceId",
        "Platform:string DeviceId:string",
    );
    gives("Devices | count", "Count:long");
}

#[test]
fn joins_number_the_columns_of_the_right() {
    let both = "Timestamp:datetime DeviceId:string Platform:string Timestamp1:datetime DeviceId1:string Platform1:string";
    for kind in [
        "",
        "kind=inner",
        "kind=innerunique",
        "kind=leftouter",
        "kind=rightouter",
        "kind=fullouter",
    ] {
        gives(&format!("Devices | join {kind} Devices on DeviceId"), both);
    }
    for kind in ["leftanti", "anti", "leftantisemi", "leftsemi"] {
        gives(
            &format!("Devices | join kind={kind} Events on DeviceId"),
            "Timestamp:datetime DeviceId:string Platform:string",
        );
    }
    for kind in ["rightanti", "rightsemi"] {
        gives(
            &format!("Events | join kind={kind} Devices on DeviceId"),
            "Timestamp:datetime DeviceId:string Platform:string",
        );
    }
    gives(
        "Devices | lookup (Devices | project Id = DeviceId, Platform) on $left.DeviceId == $right.Id",
        "Timestamp:datetime DeviceId:string Platform:string Platform1:string",
    );
}

#[test]
fn unions_part_columns_of_different_types() {
    gives(
        "union (print a = 1, b = 'x'), (print a = 'y', c = 2.5)",
        "a_long:long a_string:string b:string c:real",
    );
    gives(
        "union kind=inner (print a = 1, b = 'x'), (print a = 2, b = 3)",
        "a:long",
    );
    gives(
        "union isfuzzy=true Devices, Missing, (Missing | take 1)",
        "Timestamp:datetime DeviceId:string Platform:string",
    );
    gives("union withsource=T Dev* | project T", "T:string");
}

#[test]
fn arrays_are_expanded_in_place_or_added() {
    gives(
        "Events | project Pid, A = AdditionalFields | mv-expand A",
        "Pid:int A:dynamic",
    );
    gives(
        "Events | project A = AdditionalFields | mv-expand B = A.x to typeof(long), C = A",
        "A:dynamic B:long C:dynamic",
    );
    gives(
        "Events | project Pid, A = AdditionalFields | mv-expand with_itemindex=I A to typeof(string)",
        "Pid:int A:string I:long",
    );
    gives(
        "Events | project Pid, A = AdditionalFields | mv-apply A on (summarize n = count())",
        "Pid:int n:long",
    );
    gives(
        "Events | project Pid, A = AdditionalFields | mv-apply E = A on (where E.x == 1 | project y = E.y)",
        "Pid:int A:dynamic y:dynamic",
    );
}

#[test]
fn text_is_parsed_into_columns() {
    gives(
        "Devices | project Platform | parse Platform with * 'v' Major:int '.' Rest",
        "Platform:string Major:int Rest:string",
    );
    gives(
        "Devices | project Platform | parse-kv Platform as (a: long, b: string)",
        "Platform:string a:long b:string",
    );
}

#[test]
fn series_have_groups_then_series_then_axis() {
    gives(
        "Events | make-series n = count(), avg(FileSize) default = 0 on Timestamp from ago(7d) to now() step 1d by DeviceId",
        "DeviceId:string n:dynamic avg_FileSize:dynamic Timestamp:dynamic",
    );
}

#[test]
fn types_follow_the_language() {
    gives(
        "Events | project a = Pid + Pid, b = Pid * 1.5, c = Timestamp - Timestamp, d = Timestamp - 1d, e = 1d / 1h, f = 2 * 1h, g = FileSize % 3",
        "a:long b:real c:timespan d:datetime e:real f:timespan g:long",
    );
    gives(
        "Events | project a = iff(Remote, Pid, 2), b = case(Remote, 'x', AdditionalFields.y), c = coalesce(Pid, 1), d = bin(FileSize, 1.5)",
        "a:long b:string c:long d:real",
    );
    gives("Events | project AdditionalFields.a + 1", "Column1:long");
    gives(
        "Events | where FileName has_any (445, 'x') | project Pid",
        "Pid:int",
    );
    gives("print x = extract('a(.)', 1, 'ab', typeof(long))", "x:long");
    gives(
        "Events | where TimeGenerated > ago(1d) | summarize max(TimeGenerated)",
        "max_TimeGenerated:datetime",
    );
}

#[test]
fn order_lasts_until_rows_are_mixed() {
    gives(
        "let T = Devices | sort by Timestamp asc; T | project n = row_number()",
        "n:long",
    );
    gives(
        "range x from 1 to 3 step 1 | extend y = prev(x)",
        "x:long y:long",
    );
    gives(
        "Devices | serialize n = row_number() | where n > 1 | as A | project m = next(n)",
        "m:long",
    );
    gives("Devices | getschema | project n = row_number(1)", "n:long");
}

#[test]
fn declarations_are_put_in() {
    gives(
        "let n = 5; let T = Devices | take n; T | join T on DeviceId | project DeviceId1",
        "DeviceId1:string",
    );
    gives(
        "let twice = (x: long, y: long = 2) { x * y }; print a = twice(3), b = twice(y = 4, x = 5)",
        "a:long b:long",
    );
    gives(
        "let f = (T: (DeviceId: string), name: string) { T | extend Name = name | project DeviceId, Name }; Devices | invoke f('x')",
        "DeviceId:string Name:string",
    );
    gives("let f = (T: (*)) { T | count }; f(Devices)", "Count:long");
    gives(
        "let newest = toscalar(Devices | summarize max(Timestamp)); Events | where Timestamp > newest | project Age = newest - Timestamp",
        "Age:timespan",
    );
    gives(
        "let V = view () { Devices | project DeviceId }; union V, (V | extend x = 1)",
        "DeviceId:string x:long",
    );
    gives(
        "Devices | as A | where DeviceId in ((A | project DeviceId)) | project Platform",
        "Platform:string",
    );
}

#[test]
fn functions_of_the_service_add_their_columns() {
    gives(
        "Events | extend SHA1 = 'x' | invoke FileProfile(SHA1, 500) | project SHA1, GlobalPrevalence, Signer, GlobalFirstSeen",
        "SHA1:string GlobalPrevalence:int Signer:string GlobalFirstSeen:datetime",
    );
    gives(
        "Events | extend SHA1 = 'x' | invoke FileProfile('SHA1') | summarize max(FileSize)",
        "max_FileSize:long",
    );
    gives(
        "let list = externaldata(ip: string, n: long) [@'https://example.org/a.csv'] with (format='csv'); list | project n",
        "n:long",
    );
    gives(
        "Events | project TimeGenerated, Pid",
        "TimeGenerated:datetime Pid:int",
    );
    gives(
        "search in (Devices) 'x' | project ['$table'], Platform",
        "$table:string Platform:string",
    );
    gives("Devices | where * has 'x' | count", "Count:long");
}

#[test]
fn distinct_names_its_columns_like_project() {
    gives(
        "Events | distinct Name = tolower(FileName), DeviceId, __day = bin(Timestamp, 1d)",
        "Name:string DeviceId:string __day:datetime",
    );
}

#[test]
fn a_name_before_an_argument_names_the_column() {
    gives(
        "Events | summarize toint(Runs = count()) by bin(Day = Timestamp, 1d)",
        "Day:datetime Runs:int",
    );
}

#[test]
fn what_arg_max_takes_along_without_a_name_is_numbered() {
    gives(
        "Events | summarize arg_max(FileSize, Pid + 1, FileName, 'x')",
        "FileSize:long max_FileSize_arg1:long FileName:string max_FileSize_arg3:string",
    );
}

#[test]
fn a_function_without_parameters_is_a_value_by_its_name() {
    gives(
        "let words = () { dynamic(['a', 'b']) }; Events | where FileName has_any (words) | count",
        "Count:long",
    );
    gives("let one = () { 1 }; print n = one + one()", "n:long");
}

#[test]
fn constants_are_read_as_what_they_are_compared_with() {
    for condition in [
        "Pid == '443'",
        "FileSize != ''",
        "Remote == 'true'",
        "FileName == 7",
        "Pid in ('1', '2', '3')",
        "'7' == Pid",
        "FileName in~ (1, 2)",
    ] {
        gives(&format!("Events | where {condition} | count"), "Count:long");
    }
    gives(
        "let port = '443'; Events | where Pid == port | count",
        "Count:long",
    );
}

#[test]
fn both_names_of_the_time_mean_it() {
    gives(
        "Events | summarize Last = max(TimeGenerated) by TimeGenerated = bin(TimeGenerated, 1d) | where Timestamp > ago(7d) | project Last",
        "Last:datetime",
    );
}

#[test]
fn who_has_seen_a_device_is_a_column_of_its_row() {
    gives(
        "Events | invoke SeenBy() | project DeviceId, FileName, SeenBy",
        "DeviceId:string FileName:string SeenBy:dynamic",
    );
    gives(
        "Events | distinct DeviceId | invoke SeenBy()",
        "DeviceId:string SeenBy:dynamic",
    );
}

#[test]
fn the_other_name_of_the_time_is_found_where_it_counts() {
    let options = BindOptions {
        exact_time: true,
        ..BindOptions::default()
    };
    let found = |query: &str| -> Vec<String> {
        let parsed = kql_syntax::parse(query);
        let found = kql_semantics::bind_assuming(&parsed.tree, &tables(), &options)
            .map_or_else(|found| found, |bound| bound.notes);
        let part = |found: &Diagnostic| format!("{}: {found}", &query[found.span.range()]);
        found.iter().map(part).collect()
    };
    let said = "TimeGenerated: no column named 'TimeGenerated'; did you mean 'Timestamp'?";
    for (query, times) in [
        ("Events | where Timestamp > ago(1d)", 0),
        (
            "Events | where TimeGenerated > ago(1d) | project TimeGenerated",
            2,
        ),
        ("Events | project-away TimeGenerated", 1),
        ("Events | join kind=inner Devices on TimeGenerated", 1),
        (
            "Events | join kind=inner Devices on $left.TimeGenerated == $right.Timestamp",
            1,
        ),
        (
            "Events | join kind=inner Devices on DeviceId | extend TimeGenerated = Timestamp | where TimeGenerated > ago(1d)",
            0,
        ),
        // What is in the bag nobody knows.
        (
            "Events | evaluate bag_unpack(AdditionalFields) | where TimeGenerated > ago(1d)",
            0,
        ),
    ] {
        assert_eq!(found(query), vec![said; times], "{query}");
    }
    assert_eq!(
        found("Events | project TimeGenerated, Pid | where Timestamp > ago(1d) and Pif == 1"),
        [
            "Pif: no column named 'Pif'; did you mean 'Pid'?",
            said,
            "Timestamp: no column named 'Timestamp'; did you mean 'TimeGenerated'?",
        ]
    );
}
