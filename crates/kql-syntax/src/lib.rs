//! Lexer, parser, syntax tree and printer for the Kusto Query Language.
