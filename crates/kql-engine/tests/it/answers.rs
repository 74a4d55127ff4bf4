//! A question and its answer for every operator and every family of functions.

use serde_json::Value;

use super::{json, run};

/// Asserts every answer, and says all that differ.
fn check(cases: &[(&str, &str)]) {
    let mut differences = Vec::new();
    for (query, expected) in cases {
        let expected: Value = serde_json::from_str(expected).expect("the expected rows are JSON");
        match run(query) {
            Ok(answer) if json(&answer) == expected => {}
            Ok(answer) => differences.push(format!("{query}\n  {}\n  {expected}", json(&answer))),
            Err(error) => differences.push(format!("{query}\n  {error}\n  {expected}")),
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn rows_are_filtered_and_projected() {
    check(&[
        ("range x from 1 to 5 step 2", "[[1],[3],[5]]"),
        ("range x from 5 to 1 step -2", "[[5],[3],[1]]"),
        (
            "datatable(a:long, b:string)[1,'x', 2,'y'] | where a > 1 | project b, c = a * 10",
            r#"[["y",20]]"#,
        ),
        ("datatable(a:long, b:long)[1,2] | project-away a", "[[2]]"),
        (
            "datatable(a:long, b:long)[1,2] | project-rename z = a | project z",
            "[[1]]",
        ),
        (
            "datatable(a:long, b:long)[1,2] | project-reorder b",
            "[[2,1]]",
        ),
        (
            "datatable(a:long)[1,2,3] | extend a = a + 1 | extend c = a * 2",
            "[[2,4],[3,6],[4,8]]",
        ),
        ("range x from 1 to 10 step 1 | take 2", "[[1],[2]]"),
        ("range x from 1 to 10 step 1 | count", "[[10]]"),
        ("datatable(a:long)[2,1,2] | distinct a", "[[2],[1]]"),
        (
            "let T = datatable(a:long)[1,2]; T | where a in ((T | where a > 1))",
            "[[2]]",
        ),
        ("let f = (x:long) { x * 2 }; print y = f(21)", "[[42]]"),
        (
            "let T = materialize(range x from 1 to 2 step 1); union T, T",
            "[[1],[2],[1],[2]]",
        ),
        (
            "print x = toscalar(range x from 1 to 3 step 1 | summarize max(x))",
            "[[3]]",
        ),
        (
            "range x from 1 to 50 step 1 | extend r = toscalar(rand()), g = toscalar(new_guid()) \
             | summarize dcount(r), dcount(g)",
            "[[1,1]]",
        ),
        (
            "let f = (n:long) { toscalar(n) + 1 }; range x from 1 to 2 step 1 | extend y = f(x)",
            "[[1,2],[2,3]]",
        ),
        (
            "let f = (n:long) { toscalar(range a from 1 to n step 1 | count) }; print f(4)",
            "[[4]]",
        ),
        (
            "print url_encode('https://www.bing.com/hello world'), url_encode_component('a b/c')",
            r#"[["https%3a%2f%2fwww.bing.com%2fhello+world","a%20b%2fc"]]"#,
        ),
        (
            "print dayofweek(datetime(9999-12-31 23:59:59)), dayofweek(datetime(9999-12-30))",
            r#"[[null,"4.00:00:00"]]"#,
        ),
        ("datatable(a:long)[1] | as T | union T", "[[1],[1]]"),
        (
            "print range(1, 3), range(3, 1, -1), range(1, 3.5), range(1.5, 3), range(3, 1), \
             range(9223372036854775806, 9223372036854775807), range(int(1), int(2))",
            "[[[1,2,3],[3,2,1],[1,2,3],[1.5,2.5],[],[9223372036854775806,9223372036854775807],[1,2]]]",
        ),
        (
            "datatable(a:long, s:string)[1,'x'] | getschema | project ColumnName, ColumnType",
            r#"[["a","long"],["s","string"]]"#,
        ),
    ]);
}

#[test]
fn rows_are_sorted_with_ties_as_they_came() {
    check(&[
        (
            "datatable(a:long, b:long)[2,1, 1,2, 2,3, 1,4] | sort by a asc",
            "[[1,2],[1,4],[2,1],[2,3]]",
        ),
        (
            "datatable(a:long)[2, long(null), 1] | sort by a",
            "[[2],[1],[null]]",
        ),
        (
            "datatable(a:long)[2, long(null), 1] | sort by a asc",
            "[[null],[1],[2]]",
        ),
        (
            "datatable(a:long)[2, long(null), 1] | sort by a asc nulls last",
            "[[1],[2],[null]]",
        ),
        (
            "datatable(a:long, b:long)[1,1, 3,2, 3,3] | top 1 by a",
            "[[3,2]]",
        ),
        (
            "datatable(s:string)['b','','a'] | sort by s asc",
            r#"[[""],["a"],["b"]]"#,
        ),
    ]);
}

#[test]
fn groups_are_aggregated() {
    check(&[
        (
            "datatable(k:string, v:long)['a',1,'b',2,'a',3] | summarize count(), sum(v), avg(v), min(v), max(v) by k",
            r#"[["a",2,4,2.0,1,3],["b",1,2,2.0,2,2]]"#,
        ),
        (
            "datatable(v:long)[] | summarize count(), sum(v), max(v), make_list(v)",
            "[[0,0,null,[]]]",
        ),
        ("datatable(k:long, v:long)[] | summarize count() by k", "[]"),
        (
            "datatable(v:long)[1,2,2,long(null)] | summarize make_list(v), make_set(v), dcount(v), count_distinct(v)",
            "[[[1,2,2],[1,2],2,2]]",
        ),
        (
            "datatable(v:long)[1,2,3,4] | summarize countif(v > 2), sumif(v, v > 2), make_set_if(v, v > 3)",
            "[[2,7,[4]]]",
        ),
        (
            "datatable(k:string, t:long, s:string)['a',1,'x','a',2,'y','b',1,'z'] | summarize arg_max(t, *) by k",
            r#"[["a",2,"y"],["b",1,"z"]]"#,
        ),
        (
            "datatable(t:long, s:string)[1,'x',2,'y'] | summarize arg_min(t, s)",
            r#"[[1,"x"]]"#,
        ),
        (
            "datatable(v:real)[1,2,3,4] | summarize stdev(v), variance(v)",
            "[[1.2909944487358056,1.6666666666666667]]",
        ),
        (
            "range x from 1 to 100 step 1 | summarize percentile(x, 50), percentiles(x, 5, 95)",
            "[[50,5,95]]",
        ),
        (
            "datatable(d:dynamic)[dynamic({'a':1}), dynamic({'b':2})] | summarize make_bag(d)",
            r#"[[{"a":1,"b":2}]]"#,
        ),
        (
            "datatable(s:string)['', 'x'] | summarize take_any(s)",
            r#"[["x"]]"#,
        ),
        (
            "range x from 1 to 6 step 1 | summarize count() by bin(x, 3)",
            "[[0,2],[3,3],[6,1]]",
        ),
        (
            "datatable(v:long)[12, 10] | summarize binary_all_and(v), binary_all_or(v), binary_all_xor(v)",
            "[[8,14,6]]",
        ),
        (
            "datatable(c:string, v:long)['a',10,'a',5,'b',20] | top-nested 1 of c by m = sum(v)",
            r#"[["b",20]]"#,
        ),
    ]);
}

#[test]
fn tables_are_joined() {
    let tables = "let L = datatable(k:long, l:string)[1,'a', 2,'b', 2,'c', long(null),'n']; let R = datatable(k:long, r:string)[2,'x', 2,'y', 3,'z', long(null),'m'];";
    let with = |rest: &str| format!("{tables} {rest}");
    let cases: Vec<(String, &str)> = vec![
        (
            with("L | join R on k | sort by k asc, l asc, r asc"),
            r#"[[null,"n",null,"m"],[2,"b",2,"x"],[2,"b",2,"y"]]"#,
        ),
        (
            with("L | join kind=inner R on k | summarize count()"),
            "[[5]]",
        ),
        (
            with("L | join kind=leftouter R on k | where l == 'a'"),
            r#"[[1,"a",null,""]]"#,
        ),
        (
            with("L | join kind=rightouter R on k | where r == 'z'"),
            r#"[[null,"",3,"z"]]"#,
        ),
        (
            with("L | join kind=fullouter R on k | summarize count()"),
            "[[7]]",
        ),
        (with("L | join kind=leftanti R on k"), r#"[[1,"a"]]"#),
        (with("L | join kind=rightanti R on k"), r#"[[3,"z"]]"#),
        (
            with("L | join kind=leftsemi R on k | project l | sort by l asc"),
            r#"[["b"],["c"],["n"]]"#,
        ),
        (
            with("L | join kind=rightsemi R on k | project r | sort by r asc"),
            r#"[["m"],["x"],["y"]]"#,
        ),
        (
            with("L | join kind=inner R on $left.k == $right.k | summarize count()"),
            "[[5]]",
        ),
        (
            with("L | where k == 2 | lookup R on k | sort by l asc, r asc"),
            r#"[[2,"b","x"],[2,"b","y"],[2,"c","x"],[2,"c","y"]]"#,
        ),
        (
            with("union withsource=s L, R | summarize count() by s"),
            r#"[["union_arg0",4],["union_arg1",4]]"#,
        ),
        (with("union kind=inner L, R | count"), "[[8]]"),
    ];
    let cases: Vec<(&str, &str)> = cases
        .iter()
        .map(|(query, rows)| (query.as_str(), *rows))
        .collect();
    check(&cases);
}

#[test]
fn arrays_become_rows() {
    check(&[
        (
            "print a = dynamic([1,2]) | mv-expand a to typeof(long)",
            "[[1],[2]]",
        ),
        (
            "datatable(k:long, a:dynamic)[1,dynamic([]), 2,dynamic(null), 3,dynamic(['x'])] | mv-expand a",
            r#"[[2,null],[3,"x"]]"#,
        ),
        (
            "print a = dynamic([1,2,3]), b = dynamic(['x']) | mv-expand a, b",
            r#"[[1,"x"],[2,null],[3,null]]"#,
        ),
        (
            "print a = dynamic({'x':1,'y':2}) | mv-expand a",
            r#"[[{"x":1}],[{"y":2}]]"#,
        ),
        (
            "print a = dynamic({'x':1}) | mv-expand kind=array a",
            r#"[[["x",1]]]"#,
        ),
        (
            "print a = dynamic(['p','q']) | mv-expand with_itemindex=i a",
            r#"[["p",0],["q",1]]"#,
        ),
        (
            "datatable(k:long, a:dynamic)[1,dynamic([5,1,3]), 2,dynamic([4,10]), 3,dynamic([])] | mv-apply e = a to typeof(long) on (top 1 by e) | project k, e",
            "[[1,5],[2,10]]",
        ),
        (
            "datatable(k:long, a:dynamic)[1,dynamic([5,1]), 2,dynamic([4])] | mv-apply e = a to typeof(long) on (summarize s = sum(e), n = count()) | project k, s, n",
            "[[1,6,2],[2,4,1]]",
        ),
        (
            "datatable(k:long, a:dynamic)[1,dynamic([5,1]), 2,dynamic([4])] | mv-apply e = a to typeof(long) on (where e > 4 | summarize n = count()) | project k, n",
            "[[1,1],[2,0]]",
        ),
        (
            "datatable(k:string, v:long)['a',1,'b',5,'a',3] | partition by k (top 1 by v) | sort by k asc",
            r#"[["a",3],["b",5]]"#,
        ),
    ]);
}

#[test]
fn text_is_taken_apart() {
    check(&[
        (
            "print s = 'id=42, name=bob.' | parse s with 'id=' id:long ', name=' name '.' | project id, name",
            r#"[[42,"bob"]]"#,
        ),
        (
            "datatable(s:string)['a=1','b'] | parse s with 'a=' n:long",
            r#"[["a=1",1],["b",null]]"#,
        ),
        (
            "datatable(s:string)['a=1','b'] | parse-where s with 'a=' n:long",
            r#"[["a=1",1]]"#,
        ),
        (
            "print s = 'x 7 y' | parse kind=regex s with @'\\w+ ' n:long ' ' r | project n, r",
            r#"[[7,"y"]]"#,
        ),
        (
            "print s = 'a=1;b=two' | parse-kv s as (a:long, b:string) with (pair_delimiter=';', kv_delimiter='=') | project a, b",
            r#"[[1,"two"]]"#,
        ),
        (
            "print extract(@'(\\d+)-(\\d+)', 2, 'x12-34'), extract('z', 0, 'a')",
            r#"[["34",""]]"#,
        ),
        (
            "print extract_all(@'(\\w)(\\d)', 'a1 b2')",
            r#"[[[["a","1"],["b","2"]]]]"#,
        ),
        (
            "print replace_regex('a-b', @'(\\w)-(\\w)', @'\\2-\\1'), replace_string('aaa', 'a', 'b')",
            r#"[["b-a","bbb"]]"#,
        ),
        (
            "print split('a,b,c', ','), split('a,b,c', ',', 1)",
            r#"[[["a","b","c"],["b"]]]"#,
        ),
        (
            "print trim('x', 'xax'), trim_start('x', 'xax'), trim_end('x', 'xax')",
            r#"[["a","ax","xa"]]"#,
        ),
        (
            "print parse_url('https://u:p@h.example:8443/a/b?k=v#f').Host",
            r#"[["h.example"]]"#,
        ),
        (
            "print parse_path(@'C:\\temp\\a.txt').Filename",
            r#"[["a.txt"]]"#,
        ),
        (
            r#"print parse_command_line('a "b c" d', 'windows')"#,
            r#"[[["a","b c","d"]]]"#,
        ),
        ("print parse_csv('a,\"b,c\"')", r#"[[["a","b,c"]]]"#),
        (
            "print parse_version('1.2.3') < parse_version('1.10')",
            "[[true]]",
        ),
    ]);
}

#[test]
fn string_operators_know_terms() {
    check(&[
        (
            "print 'a.exe /c' has 'exe', 'aexe' has 'exe', 'A_b' has 'B', 'ab' has_cs 'AB'",
            "[[true,false,true,false]]",
        ),
        (
            "print 'powershell' hasprefix 'POWER', 'powershell' hassuffix 'shell', 'x' !has 'y'",
            "[[true,true,true]]",
        ),
        (
            "print 'abc' contains 'B', 'abc' contains_cs 'B', 'abc' startswith 'AB', 'abc' endswith 'BC'",
            "[[true,false,true,true]]",
        ),
        (
            "print 'Abc' =~ 'aBC', 'Abc' !~ 'abc', 'Abc' == 'abc', 'ß' =~ 'ß'",
            "[[true,false,false,true]]",
        ),
        (
            "print 'a' in ('a','b'), 'A' in~ ('a'), 'a' !in ('b'), 3 in (1,2,3)",
            "[[true,true,true,true]]",
        ),
        (
            "print 'run cmd now' has_any ('cmd','x'), 'run cmd now' has_all (dynamic(['cmd','run']))",
            "[[true,true]]",
        ),
        (
            "print 'ab12' matches regex @'[a-z]+\\d+$', 5 between (1 .. 5), 5 !between (1 .. 4)",
            "[[true,true,true]]",
        ),
    ]);
}

#[test]
fn null_is_no_value() {
    check(&[
        (
            "print int(null) == int(null), int(null) == 1, int(null) != 1, int(null) < 1",
            "[[null,false,true,null]]",
        ),
        (
            "print isnull(int(null)), isnull(''), isempty(''), isnotempty('a')",
            "[[true,false,true,true]]",
        ),
        (
            "print 1 + int(null), strcat('a', ''), coalesce(int(null), 2)",
            r#"[[null,"a",2]]"#,
        ),
        (
            "datatable(a:long)[1, long(null)] | where a != 1",
            "[[null]]",
        ),
        (
            "datatable(a:long)[1, long(null)] | where not(a > 1)",
            "[[1]]",
        ),
        (
            "print iff(bool(null), 1, 2), case(false, 1, true, 2, 3)",
            "[[2,2]]",
        ),
    ]);
}

#[test]
fn numbers_are_kusto_numbers() {
    check(&[
        (
            "print 7 / 2, -7 / 2, -7 % 3, 7 % -3, 1 / 0, 7.0 / 2",
            "[[3,-3,2,1,null,3.5]]",
        ),
        ("print 9223372036854775807 + 1", "[[-9223372036854775808]]"),
        (
            "print 1.0 / 0, -1.0 / 0, 0.0 / 0",
            r#"[["Infinity","-Infinity","NaN"]]"#,
        ),
        (
            "print bin(-7, 5), bin(7.9, 2.5), bin_at(7, 5, 1), round(2.5), round(-2.345, 2)",
            "[[-10,7.5,6,3.0,-2.35]]",
        ),
        (
            "print abs(-3), ceiling(1.2), sqrt(16), pow(2, 10), log10(1000), sign(-2.5)",
            "[[3,2.0,4.0,1024.0,3.0,-1.0]]",
        ),
        (
            "print tolong('12'), tolong('12.5'), tolong(12.9), toint('0x1f'), todouble('1e3'), tobool('1'), tolong('')",
            "[[12,null,12,31,1000.0,true,null]]",
        ),
        ("print todecimal('0.1') + todecimal('0.2')", r#"[["0.3"]]"#),
        (
            "print binary_and(12, 10), binary_shift_left(1, 4), tohex(255), max_of(1, 3, 2), min_of(2, 1)",
            r#"[[8,16,"ff",3,1]]"#,
        ),
        (
            "print tostring(1.0), tostring(1e20), tostring(0.1), tostring(true), tostring(12345678901234)",
            r#"[["1.0","1E+20","0.1","True","12345678901234"]]"#,
        ),
        (
            "print isnan(0.0 / 0), isinf(1.0 / 0), isfinite(1.0)",
            "[[true,true,true]]",
        ),
    ]);
}

#[test]
fn time_is_counted_in_ticks() {
    check(&[
        (
            "print now(), ago(1d), datetime(2024-02-29) + 1d",
            r#"[["2024-05-06T07:08:09.0000000Z","2024-05-05T07:08:09.0000000Z","2024-03-01T00:00:00.0000000Z"]]"#,
        ),
        (
            "print datetime(9999-12-31) + 2d, datetime(0001-01-01) - 1tick",
            "[[null,null]]",
        ),
        (
            "print startofweek(datetime(2024-05-08)), endofmonth(datetime(2024-02-10)), startofyear(datetime(2024-05-06))",
            r#"[["2024-05-05T00:00:00.0000000Z","2024-02-29T23:59:59.9999999Z","2024-01-01T00:00:00.0000000Z"]]"#,
        ),
        (
            "print datetime_diff('day', datetime(2024-05-06 01:00), datetime(2024-05-05 23:00)), datetime_add('month', 1, datetime(2024-01-31))",
            r#"[[1,"2024-02-29T00:00:00.0000000Z"]]"#,
        ),
        (
            "print format_datetime(datetime(2024-01-02 03:04:05.678), 'yyyy-MM-dd HH:mm:ss.fff'), format_timespan(1d + 2h, 'd.hh:mm')",
            r#"[["2024-01-02 03:04:05.678","1.02:00"]]"#,
        ),
        (
            "print dayofweek(datetime(2024-05-06)), hourofday(datetime(2024-05-06 07:08)), week_of_year(datetime(2024-12-30)), datetime_part('quarter', datetime(2024-05-06))",
            r#"[["1.00:00:00",7,1,2]]"#,
        ),
        (
            "print 90m, totimespan('1.02:03:04.5'), 1d / 1h, 10s * 3, -1h",
            r#"[["01:30:00","1.02:03:04.5000000",24.0,"00:00:30","-01:00:00"]]"#,
        ),
        (
            "print todatetime('2024-05-06 07:08'), todatetime('Mon, 06 May 2024 07:08:09 GMT'), todatetime('5/6/2024'), todatetime('2024-05-06T07:08:09+02:00'), todatetime('x')",
            r#"[["2024-05-06T07:08:00.0000000Z","2024-05-06T07:08:09.0000000Z","2024-05-06T00:00:00.0000000Z","2024-05-06T05:08:09.0000000Z",null]]"#,
        ),
        (
            "print bin(datetime(2024-05-06 07:08), 1h), bin(-90m, 1h), unixtime_seconds_todatetime(0)",
            r#"[["2024-05-06T07:00:00.0000000Z","-02:00:00","1970-01-01T00:00:00.0000000Z"]]"#,
        ),
        (
            "print make_datetime(2024, 2, 30), make_datetime(2024, 2, 29), make_timespan(1, 30)",
            r#"[[null,"2024-02-29T00:00:00.0000000Z","01:30:00"]]"#,
        ),
    ]);
}

#[test]
fn dynamic_keeps_its_types() {
    check(&[
        (
            "print d = dynamic({'a':{'b':[1,2.5,'x']}}) | project d.a.b[0], d.a.b[-1], d['a']['b'][1], d.zzz",
            r#"[[1,"x",2.5,null]]"#,
        ),
        (
            "print gettype(parse_json('1')), gettype(parse_json('1.0')), gettype(parse_json('[1]')), gettype(parse_json('x y'))",
            r#"[["long","double","array","string"]]"#,
        ),
        (
            "print tostring(parse_json('{\"b\":1, \"a\":[true,null]}')), tostring(dynamic('x')), tostring(dynamic(null))",
            r#"[["{\"b\":1,\"a\":[true,null]}","x",""]]"#,
        ),
        (
            "print bag_pack('a', 1, 'b', datetime(2024-01-01)), pack_array(1, 'x'), bag_keys(dynamic({'p':1}))",
            r#"[[{"a":1,"b":"2024-01-01T00:00:00.0000000Z"},[1,"x"],["p"]]]"#,
        ),
        (
            "print bag_merge(dynamic({'a':1}), dynamic({'a':2,'b':3})), bag_remove_keys(dynamic({'a':1,'b':2}), dynamic(['a']))",
            r#"[[{"a":1,"b":3},{"b":2}]]"#,
        ),
        (
            "print array_length(dynamic([1,2])), array_concat(dynamic([1]), dynamic([2])), array_slice(dynamic([1,2,3]), 1, -1), array_index_of(dynamic(['a','b']), 'b')",
            "[[2,[1,2],[2,3],1]]",
        ),
        (
            "print array_sort_asc(dynamic([3,1,2])), set_union(dynamic([1]), dynamic([1,2])), set_intersect(dynamic([1,2]), dynamic([2])), set_difference(dynamic([1,2]), dynamic([2])), set_has_element(dynamic(['a']), 'a')",
            "[[[1,2,3],[1,2],[2],[1],true]]",
        ),
        (
            "print strcat_array(dynamic([1,'a']), '-'), range(1, 3), zip(dynamic([1]), dynamic(['a']))",
            r#"[["1-a",[1,2,3],[[1,"a"]]]]"#,
        ),
        (
            "print d = dynamic([1, '1', 1.0]) | mv-expand d | where d == 1 | count",
            "[[3]]",
        ),
        (
            "print d = dynamic({'a':1,'b':'x'}) | evaluate bag_unpack(d)",
            r#"[[1,"x"]]"#,
        ),
        (
            "datatable(k:string, c:string)['a','x','a','y','b','x'] | evaluate pivot(c) | sort by k asc",
            r#"[["a",1,1],["b",1,0]]"#,
        ),
        (
            "print extractjson('$.a[0]', '{\"a\":[7]}', typeof(long)), treepath(dynamic({'a':1}))",
            r#"[[7,["['a']"]]]"#,
        ),
    ]);
}

#[test]
fn strings_are_counted_in_characters() {
    check(&[
        (
            "print strlen('häß'), string_size('häß'), toupper('ä'), reverse('ab'), substring('hello', 1, 3), substring('hello', -2)",
            r#"[[3,5,"Ä","ba","ell","lo"]]"#,
        ),
        (
            "print indexof('abcb', 'b'), indexof('abcb', 'b', 2), indexof('a', 'z'), countof('aaa', 'aa'), countof('a1b2', @'\\d', 'regex')",
            "[[1,3,-1,2,2]]",
        ),
        (
            "print strcat('a', 1, true), strcat_delim('-', 'a', 'b'), strrep('ab', 2), strcmp('a', 'b'), translate('abc', 'xyz', 'aXb')",
            r#"[["a1True","a-b","abab",-1,"xXy"]]"#,
        ),
        (
            "print base64_encode_tostring('abc'), base64_decode_tostring('YWJj'), base64_decode_tostring('!!'), url_decode('a%20b'), url_encode('a b')",
            r#"[["YWJj","abc","","a b","a+b"]]"#,
        ),
        (
            "print hash_sha256('abc'), hash('World') == 1846988464401551951",
            r#"[["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",true]]"#,
        ),
        (
            "print unicode_codepoints_from_string('aé'), make_string(97, 98), regex_quote('a.b')",
            r#"[[[97,233],"ab","a\\.b"]]"#,
        ),
        (
            "print format_bytes(2048), toguid('74BE27DE1E4E49D9B579FE0B331D3642')",
            r#"[["2 KB","74be27de-1e4e-49d9-b579-fe0b331d3642"]]"#,
        ),
    ]);
}

#[test]
fn addresses_are_compared_by_their_networks() {
    check(&[
        (
            "print ipv4_is_private('10.1.2.3'), ipv4_is_private('8.8.8.8'), ipv4_is_private('x')",
            "[[true,false,null]]",
        ),
        (
            "print ipv4_is_in_range('10.1.2.3', '10.0.0.0/8'), ipv4_is_in_any_range('1.2.3.4', '10.0.0.0/8', '1.2.3.0/24'), ipv4_is_match('1.2.3.4', '1.2.3.9', 24)",
            "[[true,true,true]]",
        ),
        (
            "print parse_ipv4('0.0.1.1'), format_ipv4('192.168.1.9', 24), ipv4_compare('1.1.1.1', '1.1.1.2'), ipv4_netmask_suffix('1.1.1.0/24')",
            r#"[[257,"192.168.1.0",-1,24]]"#,
        ),
        (
            "print parse_ipv6('127.0.0.1'), ipv6_is_match('fe80::1', 'fe80::2', 64)",
            r#"[["0000:0000:0000:0000:0000:ffff:7f00:0001",true]]"#,
        ),
        (
            "let N = datatable(net:string, who:string)['10.0.0.0/8','wide', '10.1.0.0/16','narrow']; datatable(ip:string)['10.1.2.3','10.9.9.9','8.8.8.8'] | evaluate ipv4_lookup(N, ip, net) | project ip, who",
            r#"[["10.1.2.3","narrow"],["10.9.9.9","wide"]]"#,
        ),
        (
            "let N = datatable(net:string, who:string)['10.0.0.0/8','wide']; datatable(ip:string)['8.8.8.8'] | evaluate ipv4_lookup(N, ip, net, return_unmatched=true) | project ip, who",
            r#"[["8.8.8.8",""]]"#,
        ),
        (
            "print has_ipv4('from 10.0.0.1:443', '10.0.0.1'), has_ipv4_prefix('from 10.0.0.1', '10.0.')",
            "[[true,true]]",
        ),
    ]);
}

#[test]
fn rows_look_at_their_neighbours() {
    check(&[
        (
            "datatable(v:long)[3,1,2] | serialize n = row_number(), p = prev(v), q = next(v), c = row_cumsum(v)",
            "[[3,1,null,1,3],[1,2,3,2,4],[2,3,1,null,6]]",
        ),
        (
            "datatable(v:long)[5,5,4] | serialize d = row_rank_dense(v), m = row_rank_min(v)",
            "[[5,1,1],[5,1,1],[4,2,3]]",
        ),
        (
            "range x from 1 to 4 step 1 | scan declare (s:long=0) with (step a: true => s = x + a.s;)",
            "[[1,1],[2,3],[3,6],[4,10]]",
        ),
        (
            "datatable(t:long, v:long)[1,5, 3,7] | make-series s = sum(v) on t from 1 to 5 step 1",
            "[[[5,0,7,0],[1,2,3,4]]]",
        ),
        (
            "print series_subtract(dynamic([3,2]), dynamic([1,1])), series_fill_forward(dynamic([1,null])), series_stats_dynamic(dynamic([1,3])).avg",
            "[[[2.0,1.0],[1,1],2.0]]",
        ),
    ]);
}

#[test]
fn places_are_measured_on_the_sphere() {
    check(&[
        (
            "print round(geo_distance_2points(0, 0, 0, 1), 3), round(geo_azimuth(0, 0, 1, 0) * 2 / pi(), 9), round(geo_angle(1, 0, 0, 0, 0, 1) * 2 / pi(), 9)",
            "[[111195.101, 1.0, 1.0]]",
        ),
        (
            "print geo_distance_2points(181, 0, 0, 1), geo_azimuth(1, 1, 1, 1), geo_point_in_circle(0, 0, 0, 0, -1)",
            "[[null, null, null]]",
        ),
        (
            "print geo_point_in_circle(0, 0, 0, 1, 111196), geo_point_in_circle(0, 0, 0, 1, 111195)",
            "[[true, false]]",
        ),
        (
            "let p = dynamic({'type':'Polygon','coordinates':[[[0,0],[0,2],[2,2],[2,0],[0,0]],[[0.5,0.5],[1,0.5],[1,1],[0.5,0.5]]]}); print geo_point_in_polygon(1.5, 1.5, p), geo_point_in_polygon(0.9, 0.7, p), geo_point_in_polygon(3, 1, p), geo_point_in_polygon(-178.5, -1.5, p)",
            "[[true, false, false, false]]",
        ),
        (
            "let l = dynamic({'type':'LineString','coordinates':[[0,0],[0,1],[0,3]]}); print round(geo_line_length(l) / 111195.1009, 6), round(geo_line_locate_point(l, 1, 0), 6), round(toreal(geo_line_interpolate_point(l, 0.5).coordinates[1]), 9), round(geo_distance_point_to_line(0, 4, l) / 111195.1009, 6)",
            "[[3.0, 0.0, 1.5, 1.0]]",
        ),
        (
            "let a = dynamic({'type':'LineString','coordinates':[[-1,0],[1,0]]}); let b = dynamic({'type':'LineString','coordinates':[[0,-1],[0,1]]}); let c = dynamic({'type':'LineString','coordinates':[[5,-1],[5,1]]}); print geo_intersects_2lines(a, b), geo_intersects_2lines(a, c), geo_intersects_2lines(a, dynamic(null))",
            "[[true, false, null]]",
        ),
        (
            "print isnull(geo_polygon_area(dynamic({'type':'Polygon','coordinates':[[[0,0],[1,1],[1,0],[0,1],[0,0]]]}))), round(geo_polygon_area(dynamic({'type':'Polygon','coordinates':[[[0,0],[90,0],[0,90],[0,0]]]})) / (6371010.0 * 6371010.0) * 2 / pi(), 9)",
            "[[true, 1.0]]",
        ),
        (
            "print geo_from_wkt('MULTIPOINT (1 2, (3 4))'), geo_from_wkt('POINT (1)'), geo_from_wkt('GEOMETRYCOLLECTION (POINT (1 2))')",
            r#"[[{"type":"MultiPoint","coordinates":[[1.0,2.0],[3.0,4.0]]},null,{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1.0,2.0]}]}]]"#,
        ),
        (
            "print geo_point_to_geohash(-80.195829, 25.802215, 8), geo_point_to_geohash(0, 91), geo_geohash_to_central_point('s'), geo_geohash_neighbors('a'), geo_geohash_neighbors('s')",
            r#"[["dhwfz15h","",{"type":"Point","coordinates":[22.5,22.5]},null,["e","7","k","m","v","t","u","g"]]]"#,
        ),
        (
            "print geo_point_to_s2cell(-80.195829, 25.802215, 8), geo_point_to_s2cell(1, 1, 31), geo_s2cell_to_central_point('1').coordinates, geo_s2cell_to_polygon('zz')",
            r#"[["88d9b","",[0.0,0.0],null]]"#,
        ),
        (
            "print geo_h3cell_parent('862a1072fffffff'), geo_h3cell_level('862a1072fffffff'), array_length(geo_h3cell_children('862a1072fffffff', 8)), array_length(geo_h3cell_children('8009fffffffffff')), geo_h3cell_children('862a1072fffffff', 12), geo_h3cell_parent('1')",
            r#"[["852a1073fffffff",6,49,6,null,""]]"#,
        ),
    ]);
}

#[test]
fn series_are_described_and_fitted() {
    check(&[
        (
            "print x = dynamic([4, 1, 7, 1]) | project series_stats(x)",
            "[[1.0, 1, 7.0, 2, 3.25, 2.8722813232690143, 8.25]]",
        ),
        (
            "print x = dynamic([1, 3, 5]) | extend (r, slope, v, rv, start, fit) = series_fit_line(x) | project r, slope, v, rv, start, fit",
            "[[1.0, 2.0, 4.0, 0.0, 1.0, [1.0, 3.0, 5.0]]]",
        ),
        (
            "print a = series_fit_line_dynamic(dynamic([1, 3, 5])).slope, b = series_stats_dynamic(dynamic([2])).avg, c = series_stats_dynamic(dynamic([]))",
            "[[2.0, 2.0, null]]",
        ),
    ]);
}

#[test]
fn digests_and_special_functions_are_exact() {
    check(&[
        (
            "print hash_md5('World'), hash_sha1('World')",
            r#"[["f5a7924e621e84c9280a9a27e1bcb7f6","70c07ec18ef89c5309bbb0937f3a6342411e1fdd"]]"#,
        ),
        (
            "print round(erfc(1.0), 14), round(erf(0.5), 14), round(erfc(-3.0), 14), round(loggamma(5), 13), loggamma(-1)",
            "[[0.15729920705029, 0.52049987781305, 1.999977909503, 3.1780538303479, null]]",
        ),
        (
            "datatable(a:string, b:long, c:string)['x', long(null), ''] | project p = pack_all(true)",
            r#"[[{"a":"x"}]]"#,
        ),
    ]);
}

#[test]
fn a_sub_query_that_needs_a_row_is_refused() {
    for query in [
        "let f = (n:long) { toscalar(range a from 1 to n step 1 | count) }; range x from 1 to 2 step 1 | extend y = f(x)",
        "let f = (n:long) { 1 in ((range a from 1 to n step 1)) }; range x from 1 to 2 step 1 | extend y = f(x)",
        "let g = (n:long) { range a from 1 to n step 1 }; let f = (n:long) { toscalar(g(n) | count) }; range x from 1 to 2 step 1 | where f(x) > 1",
    ] {
        let error = run(query).unwrap_err();
        assert!(
            error.render(query).contains("another value for every row"),
            "{error}"
        );
    }
}
