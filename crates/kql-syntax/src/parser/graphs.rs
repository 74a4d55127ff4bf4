//! The graph operators.

use super::operators::Read;
use super::{PARENTHESIS, Parsed, Parser};
use crate::keywords::Freedom;
use crate::lexer::TokenKind;
use crate::tree::{
    Expression, GraphEdge, GraphMatch, GraphNode, GraphPart, GraphPattern, GraphShortestPaths,
    GraphTable, GraphTableKind, MakeGraph, Name, NamedExpression, NodeTable, OperatorKind,
    PartitionedBy,
};

impl Parser<'_> {
    pub(super) fn make_graph(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        let source = self.name_expression()?;
        self.expect_dashes()?;
        let directed = self.eat(TokenKind::Greater);
        let target = self.name_expression()?;
        let mut nodes = Vec::new();
        let mut with_node_id = None;
        if self.eat_word("with_node_id") {
            self.expect(TokenKind::Assign, "`=`")?;
            with_node_id = Some(self.name()?);
        } else if self.eat_word("with") {
            nodes = self.list(|parser| {
                let table = parser.signed()?;
                parser.expect_word("on")?;
                Ok(NodeTable {
                    table,
                    on: parser.name_expression()?,
                })
            })?;
        }
        let partitioned_by = if self.eat_word("partitioned-by") {
            let column = self.name_expression()?;
            Some(PartitionedBy {
                column,
                operators: self.subquery()?,
            })
        } else {
            None
        };
        let graph = MakeGraph {
            source,
            directed,
            target,
            nodes,
            with_node_id,
            partitioned_by,
        };
        Ok((options, OperatorKind::MakeGraph(graph)))
    }

    fn expect_dashes(&mut self) -> Parsed<()> {
        let what = "`-->` or `--`";
        self.expect(TokenKind::Minus, what)?;
        self.expect(TokenKind::Minus, what)?;
        Ok(())
    }

    pub(super) fn graph_match(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        let (patterns, predicate, project) = self.graph_query()?;
        Ok((
            options,
            OperatorKind::GraphMatch(GraphMatch {
                patterns,
                predicate,
                project,
            }),
        ))
    }

    pub(super) fn graph_shortest_paths(&mut self) -> Parsed<Read> {
        let options = self.settings_with(&["output"])?;
        let (patterns, predicate, project) = self.graph_query()?;
        let paths = GraphShortestPaths {
            patterns,
            predicate,
            project,
        };
        Ok((options, OperatorKind::GraphShortestPaths(paths)))
    }

    #[expect(
        clippy::type_complexity,
        reason = "three parts that both callers name at once"
    )]
    fn graph_query(
        &mut self,
    ) -> Parsed<(
        Vec<GraphPattern>,
        Option<Expression>,
        Option<Vec<NamedExpression>>,
    )> {
        let patterns = self.list(Self::graph_pattern)?;
        let predicate = if self.eat_word("where") {
            Some(self.expression()?)
        } else {
            None
        };
        let project = if self.eat_word("project") {
            Some(self.named_list()?)
        } else {
            None
        };
        Ok((patterns, predicate, project))
    }

    fn graph_pattern(&mut self) -> Parsed<GraphPattern> {
        let start = self.span().start;
        let mut parts = vec![self.graph_node()?];
        while matches!(self.kind(), TokenKind::Minus | TokenKind::Less) {
            parts.push(GraphPart::Edge(self.graph_edge()?));
            parts.push(self.graph_node()?);
        }
        Ok(GraphPattern {
            parts,
            span: self.since(start),
        })
    }

    fn graph_node(&mut self) -> Parsed<GraphPart> {
        let open = self.expect(TokenKind::OpenParenthesis, "a node such as `(n)`")?;
        let name = self.optional_name(TokenKind::CloseParenthesis)?;
        self.expect_close(open.span, PARENTHESIS.0, PARENTHESIS.1)?;
        Ok(GraphPart::Node(GraphNode {
            name,
            span: self.since(open.span.start),
        }))
    }

    fn optional_name(&mut self, end: TokenKind) -> Parsed<Option<Name>> {
        if matches!(self.kind(), TokenKind::Star) || self.kind() == end {
            return Ok(None);
        }
        self.name().map(Some)
    }

    fn graph_edge(&mut self) -> Parsed<GraphEdge> {
        let start = self.span().start;
        let to_left = self.eat(TokenKind::Less);
        self.expect(TokenKind::Minus, "`-`")?;
        let mut name = None;
        let mut range = None;
        // `-['a b']-` is a bracketed name only inside its own brackets.
        if self.kind() == TokenKind::OpenBracket {
            let open = self.advance();
            name = self.optional_name(TokenKind::CloseBracket)?;
            if self.eat(TokenKind::Star) {
                let low = self.signed()?;
                self.expect(TokenKind::DotDot, "`..`")?;
                range = Some(Box::new((low, self.signed()?)));
            }
            self.expect_close(open.span, TokenKind::CloseBracket, "`]`")?;
        }
        self.expect(TokenKind::Minus, "`-`")?;
        let to_right = self.eat(TokenKind::Greater);
        Ok(GraphEdge {
            name,
            to_left,
            to_right,
            range,
            span: self.since(start),
        })
    }

    pub(super) fn graph_to_table(&mut self) -> Parsed<Read> {
        let outputs = self.list(|parser| {
            let start = parser.span().start;
            let kind = match parser.word() {
                "nodes" => GraphTableKind::Nodes,
                "edges" => GraphTableKind::Edges,
                _ => return Err(parser.expected("`nodes` or `edges`")),
            };
            parser.advance();
            let name = if parser.eat_word("as") {
                Some(parser.name_with(Freedom::Anywhere)?)
            } else {
                None
            };
            let options =
                parser.settings_with(&["with_node_id", "with_source_id", "with_target_id"])?;
            Ok(GraphTable {
                kind,
                name,
                options,
                span: parser.since(start),
            })
        })?;
        Ok((Vec::new(), OperatorKind::GraphToTable(outputs)))
    }

    pub(super) fn graph_mark_components(&mut self) -> Parsed<Read> {
        Ok((self.settings()?, OperatorKind::GraphMarkComponents))
    }

    pub(super) fn graph_where_nodes(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        Ok((options, OperatorKind::GraphWhereNodes(self.expression()?)))
    }

    pub(super) fn graph_where_edges(&mut self) -> Parsed<Read> {
        let options = self.settings()?;
        Ok((options, OperatorKind::GraphWhereEdges(self.expression()?)))
    }
}
