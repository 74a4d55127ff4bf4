//! Functions of the service that runs a query.

use super::notation::{
    ANY, BOOL, BOOLEAN, DATETIME, DYNAMIC, JSON, LONG, MANY, POSITION, STR, STRING, UNIQUE, scalar,
    volatile,
};
use super::{Function, Naming};

pub(super) static FUNCTIONS: &[Function] = &[
    scalar("assert", &[], 2, 2, &[BOOL, STR], BOOLEAN, POSITION),
    scalar("current_cluster_endpoint", &[], 0, 0, &[], STRING, POSITION),
    scalar("current_database", &[], 0, 0, &[], STRING, POSITION),
    scalar("current_principal", &[], 0, 0, &[], STRING, POSITION),
    scalar(
        "current_principal_details",
        &[],
        0,
        0,
        &[],
        DYNAMIC,
        POSITION,
    ),
    scalar(
        "current_principal_is_member_of",
        &[],
        1,
        64,
        &[JSON],
        BOOLEAN,
        POSITION,
    ),
    scalar("extent_id", &["extentid"], 0, 0, &[], UNIQUE, POSITION),
    scalar("extent_tags", &[], 0, 0, &[], DYNAMIC, POSITION),
    scalar("current_node_id", &[], 0, 0, &[], STRING, POSITION),
    scalar(
        "ingestion_time",
        &[],
        0,
        0,
        &[],
        DATETIME,
        Naming::Fixed("$IngestionTime"),
    ),
    scalar("row_id", &[], 0, 0, &[], STRING, POSITION),
    scalar("cursor_after", &[], 1, 1, &[STR], BOOLEAN, POSITION),
    scalar("cursor_before_or_at", &[], 1, 1, &[STR], BOOLEAN, POSITION),
    scalar(
        "cursor_current",
        &["current_cursor"],
        0,
        0,
        &[],
        STRING,
        POSITION,
    ),
    scalar("estimate_data_size", &[], 1, MANY, &[ANY], LONG, POSITION),
    volatile(scalar("new_guid", &[], 0, 0, &[], UNIQUE, POSITION)),
];
