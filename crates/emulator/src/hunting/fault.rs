//! Why a query is refused.

/// What is wrong with a query; the endpoints dress it as their service does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryFault {
    /// The text is not KQL.
    #[error("{0}. Fix syntax errors in your query.")]
    Syntax(String),
    /// The text names what is not there, or mixes types.
    #[error("{0}. Fix semantic errors in your query.")]
    Semantic(String),
    /// The query failed while it ran.
    #[error("{0}")]
    Execution(String),
    /// The service would run it; this emulator cannot.
    #[error("the emulator cannot run this query: {0}")]
    Unsupported(String),
    /// More bytes than the service gives out.
    #[error(
        "Query execution has exceeded the allowed result size. \
         Optimize your query by limiting the number of results and try again"
    )]
    ResultSize,
}
