//! Queries that run: the local engine behind the endpoints.
