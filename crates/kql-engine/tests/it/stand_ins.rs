//! What the service looks up elsewhere, from what is at hand here.

use std::path::Path;

use kql_engine::{Catalog, Engine, EngineError, Options};
use serde_json::json as value;

use super::{json, run, run_on};

fn written(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn with_tables(files: &[(&str, &str)]) -> (tempfile::TempDir, Engine) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        written(folder.path(), name, text);
    }
    let catalog = Catalog::from_folder(folder.path(), &|_| None).unwrap();
    (folder, Engine::new(catalog, Options::default()))
}

fn with_documents(files: &[(&str, &str)]) -> (tempfile::TempDir, Engine) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        written(folder.path(), name, text);
    }
    let options = Options {
        external_data: vec![folder.path().to_owned()],
        ..Options::default()
    };
    (folder, Engine::new(Catalog::new(), options))
}

#[test]
fn file_profiles_come_from_a_table() {
    let (_folder, engine) = with_tables(&[(
        "FileProfile.json",
        "{\"SHA1\":\"AB\",\"GlobalPrevalence\":7,\"Signer\":\"Contoso\",\"IsExecutable\":true}\n",
    )]);
    let query = "datatable(SHA1:string)['ab','cd'] | invoke FileProfile(SHA1, 1000) \
                 | project SHA1, GlobalPrevalence, Signer, IsExecutable, GlobalFirstSeen";
    let answer = run_on(&engine, query).unwrap();
    assert_eq!(
        json(&answer),
        value!([
            ["ab", 7, "Contoso", true, null],
            ["cd", null, "", null, null]
        ])
    );
    // Both arguments may be left out.
    let plain = "print SHA1 = 'AB' | invoke FileProfile() | project Signer";
    assert_eq!(
        json(&run_on(&engine, plain).unwrap()),
        value!([["Contoso"]])
    );
    let many = "range n from 1 to 101 step 1 | extend SHA1 = 'ab' | invoke FileProfile() \
                | summarize countif(Signer == 'Contoso'), count()";
    assert_eq!(json(&run_on(&engine, many).unwrap()), value!([[100, 101]]));
    let missing = run_on(&engine, "print SHA256 = 'ab' | invoke FileProfile()").unwrap_err();
    assert!(
        missing.to_string().contains("no column named 'SHA1'"),
        "{missing}"
    );
    let first = "datatable(SHA1:string)['cd','ab'] | invoke FileProfile(SHA1, 1) | project Signer";
    assert_eq!(json(&run_on(&engine, first).unwrap()), value!([[""], [""]]));
}

#[test]
fn who_has_seen_a_device_comes_from_a_table() {
    let (_folder, engine) = with_tables(&[(
        "SeenBy.csv",
        "DeviceId,SeenBy\nphone,pc1\nphone,pc2\nprinter,pc2\n",
    )]);
    for (query, expected) in [
        (
            "datatable(DeviceId:string)['phone', 'printer'] | invoke SeenBy() | sort by DeviceId asc",
            value!([["pc1"], ["pc2"]]),
        ),
        ("print x = 'printer' | invoke SeenBy(x)", value!([["pc2"]])),
        (
            "print DeviceId = 'phone' | invoke SeenBy('printer')",
            value!([["pc2"]]),
        ),
        (
            "print DeviceId = 'printer' | invoke SeenBy('DeviceId')",
            value!([["pc2"]]),
        ),
        ("print DeviceId = 'car' | invoke SeenBy()", value!([])),
    ] {
        let answer = run_on(&engine, query).unwrap_or_else(|error| panic!("{query}: {error}"));
        assert_eq!(answer.columns[0].name, "DeviceId", "{query}");
        assert_eq!(json(&answer), expected, "{query}");
    }
}

#[test]
fn places_come_from_a_table() {
    let (_folder, engine) = with_tables(&[(
        "GeoIp.csv",
        "Network,Country,City,Latitude,Longitude\n\
         192.0.2.0/24,Norway,,60.5,8.25\n192.0.2.128/25,Norway,Oslo,59.9,10.75\n2001:db8::/32,Chile,,,\n",
    )]);
    let query = "print a = geo_info_from_ip_address('192.0.2.1'), b = geo_info_from_ip_address('192.0.2.200').city, \
                 c = geo_info_from_ip_address('2001:db8::1'), d = geo_info_from_ip_address('198.51.100.1'), \
                 e = geo_info_from_ip_address('no address')";
    assert_eq!(
        json(&run_on(&engine, query).unwrap()),
        value!([[
            {"country": "Norway", "latitude": 60.5, "longitude": 8.25},
            "Oslo",
            {"country": "Chile"},
            null,
            null
        ]])
    );
}

#[test]
fn a_watchlist_is_a_table_of_that_name() {
    let (_folder, engine) = with_tables(&[("_GetWatchlist('vip').csv", "SearchKey\nalice\n")]);
    let answer = run_on(&engine, "_GetWatchlist('vip') | project SearchKey").unwrap();
    assert_eq!(json(&answer), value!([["alice"]]));
}

#[test]
fn the_time_of_ingestion_is_the_time_of_the_event() {
    let query = "datatable(Timestamp:datetime)[datetime(2024-01-02), datetime(2024-01-03)] \
                 | where ingestion_time() > datetime(2024-01-02) | extend ingestion_time()";
    let answer = run(query).unwrap();
    assert_eq!(answer.columns[1].name, "$IngestionTime");
    assert_eq!(
        json(&answer),
        value!([[
            "2024-01-03T00:00:00.0000000Z",
            "2024-01-03T00:00:00.0000000Z"
        ]])
    );
}

#[test]
fn what_is_missing_is_named() {
    for (query, what) in [
        (
            "print SHA1 = 'a' | invoke FileProfile(SHA1)",
            "without a table named FileProfile",
        ),
        (
            "print DeviceId = 'a' | invoke SeenBy()",
            "without a table named SeenBy",
        ),
        (
            "print geo_info_from_ip_address('192.0.2.1')",
            "without a table named GeoIp",
        ),
        (
            "_GetWatchlist('vip')",
            "without a table named _GetWatchlist('vip')",
        ),
        (
            "externaldata(a:string)['https://example.org/a.csv']",
            "without a folder of local copies",
        ),
    ] {
        let error = run(query).unwrap_err();
        assert!(error.to_string().contains(what), "{query}: {error}");
    }
}

#[test]
fn external_documents_are_files_of_the_folder() {
    let (_folder, engine) = with_documents(&[
        (
            "example.org/feed/ip.csv",
            "ip,score,tags\n192.0.2.1,5,\"[\"\"a\"\",\"\"b\"\"]\"\n192.0.2.2,,\n",
        ),
        ("list.txt", "one, two\nthree\n"),
        ("lines.json", "{\"a\":1,\"b\":\"x\"}\n{\"b\":{\"c\":2}}\n"),
        ("many.json", "[{\"a\":1,\n\"b\":\"x\"},{\"a\":2}]"),
    ]);
    for (query, expected) in [
        (
            "externaldata(ip:string, score:long, tags:dynamic)[@'https://example.org/feed/ip.csv?sig=x'] with (format='csv', ignoreFirstRecord=true)",
            value!([["192.0.2.1", 5, ["a", "b"]], ["192.0.2.2", null, null]]),
        ),
        (
            "externaldata(ip:string)['https://example.org/feed/ip.csv'] with (ignoreFirstRecord=true) | take 1",
            value!([["192.0.2.1"]]),
        ),
        (
            "externaldata(line:string)['list.txt'] with (format=txt)",
            value!([["one, two"], ["three"]]),
        ),
        (
            "externaldata(a:long, b:string)['lines.json']",
            value!([[1, "x"], [null, "{\"c\":2}"]]),
        ),
        (
            "externaldata(a:long, b:string)['many.json'] with (format='multijson')",
            value!([[1, "x"], [2, ""]]),
        ),
        (
            "datatable(ip:string)['192.0.2.2'] | where ip in ((externaldata(ip:string)['https://example.org/feed/ip.csv']))",
            value!([["192.0.2.2"]]),
        ),
    ] {
        let answer = run_on(&engine, query).unwrap_or_else(|error| panic!("{query}: {error}"));
        assert_eq!(json(&answer), expected, "{query}");
    }
}

#[test]
fn an_address_may_end_as_a_folder_does() {
    let (_folder, engine) = with_documents(&[
        ("example.org/downloads/recent", "192.0.2.1\n"),
        ("example.org/list/index.html", "192.0.2.2\n"),
        ("example.org/two/a.csv", "192.0.2.3\n"),
        ("example.org/two/b.csv", "192.0.2.4\n"),
    ]);
    let read = |address: &str| run_on(&engine, &format!("externaldata(ip:string)['{address}']"));
    for (address, expected) in [
        ("https://example.org/downloads/recent/", "192.0.2.1"),
        ("https://example.org/downloads/recent", "192.0.2.1"),
        ("https://example.org/list/", "192.0.2.2"),
        ("https://example.org/list/?page=1", "192.0.2.2"),
    ] {
        assert_eq!(
            json(&read(address).unwrap()),
            value!([[expected]]),
            "{address}"
        );
    }
    let several = read("https://example.org/two/").unwrap_err().to_string();
    assert!(several.contains("a folder with 2 files"), "{several}");
}

#[test]
fn a_mapping_says_which_value_is_which_column() {
    let (_folder, engine) = with_documents(&[
        (
            "events.json",
            "{\"at\": \"2019-01-01 10:00\",\n \"data\": {\"method\": \"Get\", \"a b\": [1, 2], \"ms\": 1577836800123}}\n\
             {\"data\": {\"tags\": [{\"x\": 1}, {\"y\": 2}]}}",
        ),
        ("cells.csv", "one,1,x\ntwo,2,y\nend,3,z\n"),
        ("escaped.tsv", "a\\tb\tc\\\\d\n"),
        ("lines.txt", "one\n\ntwo\n"),
    ]);
    for (query, expected) in [
        (
            r#"externaldata(At:datetime, Method:string, Second:long, Moment:datetime, Rest:dynamic, Kind:string, Number:long, From:string)['events.json']
               with (format='multijson', ingestionMapping='[
                 {"Column":"At","Properties":{"Path":"$.at"}},
                 {"column":"Method","properties":{"path":"$.data.method"}},
                 {"Column":"Second","Properties":{"Path":"$.data[\'a b\'][1]"}},
                 {"Column":"Moment","Properties":{"Path":"$.data.ms","Transform":"DateTimeFromUnixMilliseconds"}},
                 {"Column":"Rest","Properties":{"Path":"$.data.tags","Transform":"PropertyBagArrayToDictionary"}},
                 {"Column":"Kind","Properties":{"ConstValue":"event"}},
                 {"Column":"Number","Properties":{"Transform":"SourceLineNumber"}},
                 {"Column":"From","Properties":{"Transform":"SourceLocation"}}]')"#,
            value!([
                ["2019-01-01T10:00:00.0000000Z", "Get", 2, "2020-01-01T00:00:00.1230000Z", null, "event", 1, "events.json"],
                [null, "", null, null, {"x": 1, "y": 2}, "event", 2, "events.json"]
            ]),
        ),
        (
            r#"externaldata(Rest:dynamic, Method:string)['events.json'] with (format='multijson', ingestionMapping='[
                 {"Column":"Method","Properties":{"Path":"$.data.method"}},
                 {"Column":"Rest","Properties":{"Path":"$.data","Transform":"DropMappedFields"}}]') | project Rest | take 1"#,
            value!([[{"a b": [1, 2], "ms": 1_577_836_800_123_i64}]]),
        ),
        (
            r#"externaldata(b:long, a:string, none:string)['cells.csv'] with (ignoreLastRecord=true, ingestionMapping='[
                 {"Name":"a","Ordinal":"0"},{"Column":"b","Properties":{"Ordinal":1}}]')"#,
            value!([[1, "one", ""], [2, "two", ""]]),
        ),
        (
            "externaldata(a:string)['cells.csv'] with (ignoreFirstRecord=true, ignoreLastRecord=true)",
            value!([["two"]]),
        ),
        (
            "externaldata(a:string, b:string)['escaped.tsv'] with (format='tsve')",
            value!([["a\tb", "c\\d"]]),
        ),
        (
            "externaldata(a:string)['lines.txt']",
            value!([["one"], ["two"]]),
        ),
    ] {
        // A text in quotes ends with its line.
        let query = &query.replace('\n', " ");
        let answer = run_on(&engine, query).unwrap_or_else(|error| panic!("{query}: {error}"));
        assert_eq!(json(&answer), expected, "{query}");
    }
    for (mapping, what) in [
        ("nothing", "is no JSON array"),
        (r#"[{"Path":"$.a"}]"#, "has no Column"),
        (r#"[{"Column":"a"}]"#, "neither Path nor Ordinal"),
        (r#"[{"Column":"a","Path":"$..a"}]"#, "no JSONPath"),
        (r#"[{"Column":"a","Ordinal":"x"}]"#, "no number"),
        (
            r#"[{"Column":"a","Path":"$.a","Transform":"Upper"}]"#,
            "transform 'Upper'",
        ),
        (r#"[{"Column":"a","Path":"$.a"}]"#, "cells have an Ordinal"),
    ] {
        let query =
            format!("externaldata(a:string)['cells.csv'] with (ingestionMapping='{mapping}')");
        let error = run_on(&engine, &query).unwrap_err().to_string();
        assert!(error.contains(what), "{mapping}: {error}");
    }
}

#[test]
fn declarations_alone_have_no_answer() {
    for query in [
        "let x = 1; let T = datatable(a:long)[1];",
        "set notruncation; let f = (a:long) { a };",
        "declare query_parameters(a:long = 1);",
    ] {
        let answer = run(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        assert!(answer.columns.is_empty(), "{query}");
        assert_eq!(json(&answer), value!([]), "{query}");
    }
}

#[test]
fn external_documents_never_lead_out_of_the_folder() {
    let (folder, engine) = with_documents(&[("list.txt", "one\n")]);
    let outside = tempfile::NamedTempFile::new().unwrap();
    for address in [
        "../list.txt".to_owned(),
        outside.path().display().to_string(),
        format!("file://{}", outside.path().display()),
        "missing.csv".to_owned(),
    ] {
        let query = format!("externaldata(a:string)[@'{address}']");
        let error = run_on(&engine, &query).unwrap_err();
        assert!(
            matches!(
                error,
                EngineError::Runtime { .. } | EngineError::Data { .. }
            ),
            "{query}: {error}"
        );
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(outside.path(), folder.path().join("link.txt")).unwrap();
        let error = run_on(&engine, "externaldata(a:string)['link.txt']").unwrap_err();
        assert!(error.to_string().contains("leads out"), "{error}");
    }
    assert!(folder.path().exists());
    let secret = "externaldata(a:string)['file:///x?canary']";
    assert!(
        !run_on(&engine, secret)
            .unwrap_err()
            .to_string()
            .contains("canary")
    );
}
