//! The page for programmers has a program that is compiled.

#[test]
fn the_page_prints_the_example() {
    let page = include_str!("../../../../docs/guides/use-from-rust.md");
    let (_, rest) = page
        .split_once("```rust\n")
        .expect("the page has a program");
    let (program, _) = rest.split_once("```").expect("the program ends");
    // What keeps our own linter quiet is nothing to show.
    let example: String = include_str!("../../examples/use_from_rust.rs")
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("#[expect("))
        .collect();
    assert_eq!(program, example);
}
