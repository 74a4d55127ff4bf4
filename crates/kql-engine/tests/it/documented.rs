//! Answers that the language's reference shows, for what `answers.rs` has no room for.

use super::{json, run};

fn check(cases: &[(&str, &str)]) {
    let mut differences = Vec::new();
    for (query, expected) in cases {
        let expected: serde_json::Value =
            serde_json::from_str(expected).expect("the expected rows are JSON");
        match run(query) {
            Ok(answer) if json(&answer) == expected => {}
            Ok(answer) => differences.push(format!("{query}\n  {}\n  {expected}", json(&answer))),
            Err(error) => differences.push(format!("{query}\n  {error}\n  {expected}")),
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// The refusal of a query.
fn refused(query: &str) -> String {
    match run(query) {
        Ok(answer) => panic!("{query} is answered: {}", json(&answer)),
        Err(error) => error.render(query),
    }
}

#[test]
fn series_are_decomposed() {
    check(&[
        (
            "print series_seasonal(dynamic([1,3,5,2,4,6,1,3,5,2,4,6]), 3)",
            "[[[1.5,3.5,5.5,1.5,3.5,5.5,1.5,3.5,5.5,1.5,3.5,5.5]]]",
        ),
        (
            "print s = dynamic([2,5,3,4,3,2,1,2,3,4,3,2,1,2,3,4,3,2,1,2,3,4,3,2,1]) \
             | project s = series_seasonal(s)[1]",
            "[[2.0]]",
        ),
        // Too short for a period to be seen.
        (
            "print series_seasonal(dynamic([1,3,5,2,4,6,1,3,5,2,4,6]))[0]",
            "[[0.0]]",
        ),
        (
            "print y = dynamic([1,1,1,1,1,1,1,1,1,9]) \
             | extend (flag, score, base) = series_decompose_anomalies(y, 1.5, 0) \
             | project flag, base[0]",
            "[[[0,0,0,0,0,0,0,0,0,1],1.8]]",
        ),
        (
            "print y = dynamic([0,1,2,3]) \
             | extend (base, season, trend, rest) = series_decompose(y, 0, 'linefit') | project trend, rest",
            "[[[0.0,1.0,2.0,3.0],[0.0,0.0,0.0,0.0]]]",
        ),
        (
            "print series_fill_linear(dynamic([null,111,null,36,41,null,null,16,61,33,null,null]))",
            "[[[111,111,73,36,41,32,24,16,61,33,33,33]]]",
        ),
        (
            "print series_fill_linear(dynamic([null,4.0,null,2.0]), double(null), false)",
            "[[[null,4.0,3.0,2.0]]]",
        ),
        (
            "print series_fir(dynamic([0,0,2,2,3]), dynamic([1,-1]), false, false)",
            "[[[0.0,0.0,2.0,0.0,1.0]]]",
        ),
        (
            "print series_fir(dynamic([0,0,5,0,0]), dynamic([1,1,1,1,1]), true, true)",
            "[[[1.0,1.0,1.0,1.0,1.0]]]",
        ),
        (
            "print series_stats_dynamic(dynamic([1,null,3]), true).avg",
            "[[2.0]]",
        ),
    ]);
}

#[test]
fn arrays_are_sorted_together() {
    check(&[
        (
            "print array_sort_asc(dynamic([1,3,4,5,2]), dynamic(['a','b','c','d','e']))[1]",
            r#"[[["a","e","b","c","d"]]]"#,
        ),
        (
            "print array_sort_asc(dynamic([null,'blue','yellow','green',null]), false)",
            r#"[[[null,null,"blue","green","yellow"]]]"#,
        ),
        (
            "print a = dynamic([2,1]), b = dynamic([1,2,3]) | extend (x, y) = array_sort_desc(a, b) | project x, y",
            "[[[2,1],null]]",
        ),
    ]);
    let answer =
        run("let one = dynamic([2,1]); let two = dynamic([3,4]); print array_sort_asc(one, two)");
    let names: Vec<String> = answer
        .unwrap()
        .columns
        .into_iter()
        .map(|one| one.name)
        .collect();
    assert_eq!(names, ["one_sorted", "two_sorted"]);
}

#[test]
fn texts_units_and_cells() {
    check(&[
        (
            "print indexof_regex('abcabcdefg', @'a.c', 0, 9, 2), indexof_regex('abcabc', @'a|ab', -1), \
             indexof_regex('ababaa', @'a.a', 0, -1, 2)",
            "[[3,null,-1]]",
        ),
        (
            "print indexof('abcdefgabcdefg', 'cde', 1, 10, 2), indexof('abcdefg', 'cde', 1, 2)",
            "[[9,-1]]",
        ),
        (
            "print bag_set_key(dynamic({'a':1}), '$.b.c', 'x'), bag_set_key(dynamic({'b':{'c':1,'d':2}}), '$.b.c', 3)",
            r#"[[{"a":1,"b":{"c":"x"}},{"b":{"c":3,"d":2}}]]"#,
        ),
        (
            "print gzip_compress_to_base64_string('1234567890qwertyuiop'), zlib_compress_to_base64_string('1234567890qwertyuiop')",
            r#"[["H4sIAAAAAAAA/wEUAOv/MTIzNDU2Nzg5MHF3ZXJ0eXVpb3A6m7f2FAAAAA==","eAEBFADr/zEyMzQ1Njc4OTBxd2VydHl1aW9wOAkGdw=="]]"#,
        ),
        (
            "print zlib_decompress_from_base64_string(zlib_compress_to_base64_string('Größe'))",
            r#"[["Größe"]]"#,
        ),
        (
            "print convert_angle(1.2, 'Degree', 'Arcminute'), round(convert_volume(1.2, 'CubicMeter', 'AcreFoot'), 12), convert_mass(1, 'Pound', 'Parsec')",
            "[[72.0,0.0009728568,null]]",
        ),
        (
            "print parse_xml('<a x=\"1\"><b>2</b></a>').a.b, parse_xml('<a>')",
            r#"[["2",null]]"#,
        ),
        (
            "print geo_point_to_h3cell(-74.04450446039874, 40.689250859314974, 6), geo_point_to_h3cell(1, 1, 16)",
            r#"[["862a1072fffffff",""]]"#,
        ),
        (
            "print geo_h3cell_rings('861f8894fffffff', 1)[1][0], array_length(geo_h3cell_neighbors('862a1072fffffff'))",
            r#"[["861f88947ffffff",6]]"#,
        ),
        (
            "print make_timespan(1, 12, 30, 55.123)",
            r#"[["1.12:30:55.1230000"]]"#,
        ),
        (
            "range x from 1 to 10 step 1 | extend Text = '1234567890' | summarize sum(estimate_data_size(*))",
            "[[180]]",
        ),
        (
            "range x from 1 to 100 step 1 | where rand() < 0 or rand(5) >= 5 | count",
            "[[0]]",
        ),
        (
            "range x from 1 to 100 step 1 | extend g = new_guid() | summarize dcount(g)",
            "[[100]]",
        ),
    ]);
    let error =
        refused("print gzip_compress_to_base64_string(repeat_text) | extend repeat_text = ''");
    assert!(error.contains("repeat_text"), "{error}");
}

#[test]
fn sketches_are_merged_and_read() {
    check(&[
        (
            "range x from 1 to 10 step 1 | extend y = x + 5 | summarize a = hll(x), b = hll(y) | project dcount_hll(hll_merge(a, b))",
            "[[15]]",
        ),
        (
            "range x from 1 to 20 step 1 | summarize h = hll(x) by g = x % 2 | summarize h = hll_merge(h) | project dcount_hll(h)",
            "[[20]]",
        ),
        (
            "print x = 0 | summarize hll(x)",
            r#"[[[[1024,14],["3803688792395291579"],[]]]]"#,
        ),
        (
            "range x from 1 to 1000 step 1 | summarize t = tdigest(x) | project rank_tdigest(t, 685), percentile_tdigest(t, 50, typeof(long))",
            "[[685.0,500]]",
        ),
        (
            "datatable(V:real, W:long)[1.0, 1, 2.0, 2] | summarize t = tdigest(V, W) | project percentile_tdigest(t, 50)",
            "[[2.0]]",
        ),
        (
            "datatable(n:long, b:long)[8, 10, 6, 20, 3, 30, 1, 40] | summarize percentilesw_array(b, n, dynamic([50, 75, 99.9]))",
            "[[[20,20,40]]]",
        ),
        (
            r#"datatable(v:dynamic)[dynamic({"x":1}), dynamic({"x":"a","z":[1]})] | summarize buildschema(v)"#,
            r#"[[{"x":["long","string"],"z":{"`indexer`":"long"}}]]"#,
        ),
    ]);
}

#[test]
fn keys_and_values_are_told_apart() {
    check(&[
        (
            "print s = '[x] ThreadId:45, Machine:N1, Text: Started' | parse-kv s as (Text:string, ThreadId:long, Machine:string) | project-away s",
            r#"[["Started",45,"N1"]]"#,
        ),
        (
            "print s = 'name=John Doe phone=555 5555' | parse-kv s as (name:string, phone:string) with (pair_delimiter=' ', kv_delimiter='=', greedy=true) | project-away s",
            r#"[["John Doe","555 5555"]]"#,
        ),
        (
            r#"print s = 'a: x , b:"1,2"' | parse-kv s as (a:string, b:string) with (pair_delimiter=',', kv_delimiter=':', quote='"') | project-away s"#,
            r#"[["x","1,2"]]"#,
        ),
    ]);
}

const ACTIVITY: &str = "datatable(Id:string, T:datetime)['A', datetime(2017-08-01), 'D', datetime(2017-08-01), \
    'A', datetime(2017-08-02 05:00), 'B', datetime(2017-08-02)]";

#[test]
fn activity_is_counted() {
    let query = format!(
        "{ACTIVITY} | evaluate activity_counts_metrics(Id, T, datetime(2017-08-01), datetime(2017-08-03), 1d)"
    );
    check(&[
        (
            query.as_str(),
            r#"[["2017-08-01T00:00:00.0000000Z",2,2,2,2],["2017-08-02T00:00:00.0000000Z",2,2,1,3]]"#,
        ),
        (
            "datatable(Id:long, T:long)[1,1, 1,5, 1,30, 2,31] | evaluate session_count(Id, T, 1, 100, 10, 20)",
            "[[0,1],[30,2]]",
        ),
        (
            "range x from 1 to 9 step 1 | serialize | evaluate rows_near(x == 4, 1)",
            "[[3],[4],[5]]",
        ),
        (
            "set query_bin_auto_size=1h; print t = datetime(2024-01-01 10:20) | summarize count() by bin_auto(t)",
            r#"[["2024-01-01T10:00:00.0000000Z",1]]"#,
        ),
        (
            "datatable(t:datetime, x:long)[] | make-series sum(x) on t from datetime(2024-01-01) to datetime(2024-01-02) step 1d | count",
            "[[0]]",
        ),
    ]);
}

const GRAPH: &str = "let edges = datatable(source:string, target:string, what:string)[\
    'Alice','Bob','talks', 'Alice','Trent','trusts', 'Bob','Trent','may', 'Eve','Alice','attacks', \
    'Mallory','Alice','attacks', 'Mallory','Bob','attacks']; \
    let nodes = datatable(name:string, age:long)['Alice',23, 'Bob',31, 'Eve',17, 'Mallory',29]; edges | ";

#[test]
fn patterns_are_found_in_graphs() {
    let cases: Vec<(String, &str)> = [
        (
            "make-graph source --> target with nodes on name \
             | graph-match (m)-[a]->(c)-[p]->(t) where m.name == 'Mallory' and a.what == 'attacks' and p.what == 'may' \
             project m.name, Over = c.name, t.name, t.age",
            r#"[["Mallory","Bob","Trent",null]]"#,
        ),
        (
            "make-graph source --> target with_node_id=id \
             | graph-match (e)-[path*2..3]->(t) where e.id == 'Eve' and t.id == 'Trent' \
             project kinds = path.what, inside = map(inner_nodes(path), id) | sort by array_length(kinds) asc",
            r#"[[["attacks","trusts"],["Alice"]],[["attacks","talks","may"],["Alice","Bob"]]]"#,
        ),
        (
            "make-graph source --> target with_node_id=id \
             | graph-match (e)-[path*1..3]->(t) where e.id == 'Mallory' and all(path, what == 'attacks') project t.id | sort by t_id asc",
            r#"[["Alice"],["Bob"]]"#,
        ),
        (
            "make-graph source --> target with_node_id=id \
             | graph-match (a)<--(e), (b)<--(e) where e.id == 'Mallory' and strcmp(a.id, b.id) < 0 project a.id, b.id",
            r#"[["Alice","Bob"]]"#,
        ),
        (
            "where what == 'may' or what == 'attacks' | make-graph source --> target with_node_id=id \
             | graph-match (a)--(b) where a.id == 'Bob' project b.id | sort by b_id asc",
            r#"[["Mallory"],["Trent"]]"#,
        ),
        (
            "where what in ('may', 'talks') | extend source = strcat(source, '') | union (print source='X', target='Y') \
             | make-graph source --> target with_node_id=id | graph-mark-components with_component_id=c | graph-to-table nodes | sort by id asc",
            r#"[["Alice",0],["Bob",0],["Trent",0],["X",1],["Y",1]]"#,
        ),
        (
            "take 1 | make-graph source --> target | graph-to-table edges with_source_id=s | project s, source",
            r#"[[-3122868243544336885,"Alice"]]"#,
        ),
    ]
    .into_iter()
    .map(|(query, expected)| (format!("{GRAPH}{query}"), expected))
    .collect();
    let cases: Vec<(&str, &str)> = cases
        .iter()
        .map(|(query, expected)| (query.as_str(), *expected))
        .collect();
    check(&cases);
}

#[test]
fn names_may_be_values() {
    check(&[(
        "datatable(Name:string, Age:int, City:string, Country:string)['Peter', 39, 'York', 'UK'] \
         | project-by-names dynamic(['Name', 'C*', 'None'])",
        r#"[["Peter","York","UK"]]"#,
    )]);
}

#[test]
fn what_is_not_known_is_refused_with_its_place() {
    for (query, part) in [
        ("print 1; print 2", "1:1: a second answer"),
        ("print hash_combine(1, 2)", "1:7: function hash_combine()"),
        (
            "print series_periods_detect(dynamic([1]), 0.0, 5.0, 1)",
            "series_periods_detect()",
        ),
        ("T | make-graph a --> b | count", "1:"),
        (
            "print a='x', b='y' | make-graph a --> b | graph-match (n) where n.no == 1 project n.no",
            "has no property 'no'",
        ),
        (
            "print a='x', b=1 | make-graph a --> b | graph-to-table edges",
            "ids of a graph are of one type",
        ),
        (
            "print x = 1 | summarize count() by bin_auto(x)",
            "query_bin_auto_size",
        ),
    ] {
        let error = refused(query);
        assert!(error.contains(part), "{query}\n{error}");
    }
}
