//! The exposure graph: devices, people, vulnerabilities, and what leads from one to another.

use std::fmt::Write;

use arrow::array::RecordBatch;

use super::{
    columns::Columns,
    company::{
        DeviceKind, FILE_SERVER, JUMP_SERVER, PEOPLE, SQL_SERVER, SUPPORT_ADMIN, WEB_SERVER,
    },
    world::World,
};

/// Adds the two tables of the graph.
pub(super) fn tables(world: &World, add: &mut impl FnMut(&str, RecordBatch)) {
    let (nodes, edges) = graph(world);
    add("ExposureGraphNodes", node_table(&nodes));
    add("ExposureGraphEdges", edge_table(&nodes, &edges));
}

struct Node<'w> {
    label: &'static str,
    name: &'w str,
    categories: &'static str,
    /// The kind of identifier and the identifier.
    entity: (&'static str, &'w str),
    properties: String,
}

/// From a node to a node, and how.
type Edge = (usize, usize, &'static str);

fn graph(world: &World) -> (Vec<Node<'_>>, Vec<Edge>) {
    let company = &world.company;
    let mut nodes = Vec::new();
    for (place, device) in company.devices.iter().enumerate() {
        let critical = if device.kind == DeviceKind::Workstation {
            3
        } else {
            1
        };
        nodes.push(Node {
            label: if device.kind == DeviceKind::Workstation {
                "device"
            } else {
                "server"
            },
            name: &device.name,
            categories: "[\"compute\",\"device\"]",
            entity: ("DeviceInventoryId", &device.id),
            properties: format!(
                "{{\"rawData\":{{\"criticalityLevel\":{critical},\"isCustomerFacing\":{}}}}}",
                place == WEB_SERVER
            ),
        });
    }
    let first_account = nodes.len();
    for (_, account) in company.accounts_of_entra() {
        nodes.push(Node {
            label: "user",
            name: &account.upn,
            categories: "[\"identity\"]",
            entity: ("AadObjectId", &account.object_id),
            properties: format!("{{\"rawData\":{{\"accountName\":\"{}\"}}}}", account.name),
        });
    }
    let flaw = nodes.len();
    nodes.push(Node {
        label: "Cve",
        name: "CVE-2026-900017",
        categories: "[]",
        entity: ("CveId", "CVE-2026-900017"),
        properties: "{\"rawData\":{\"cvssScore\":9.8,\"exploitAvailable\":true}}".to_owned(),
    });
    let account = |account: usize| first_account + account - SUPPORT_ADMIN;
    let mut edges = vec![
        (flaw, WEB_SERVER, "affecting"),
        (WEB_SERVER, SQL_SERVER, "routes traffic to"),
        (account(SUPPORT_ADMIN), FILE_SERVER, "has permissions to"),
        (account(SUPPORT_ADMIN), JUMP_SERVER, "can authenticate as"),
    ];
    for person in 0..company.people.len() {
        edges.push((account(PEOPLE + person), person, "frequently logged in by"));
        edges.push((account(SUPPORT_ADMIN), person, "has permissions to"));
    }
    (nodes, edges)
}

/// An identifier that looks like one and follows from the entity's own.
fn write_id(text: &mut String, node: &Node<'_>) {
    let sum = node
        .entity
        .1
        .bytes()
        .fold(7_u64, |sum, byte| sum.wrapping_mul(131) ^ u64::from(byte));
    let (first, second) = (super::random::mix(sum), super::random::mix(sum ^ 1));
    let _ = write!(
        text,
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        first >> 32,
        first >> 16 & 0xffff,
        first & 0xffff,
        second >> 48,
        second & 0xffff_ffff_ffff
    );
}

fn node_table(nodes: &[Node<'_>]) -> RecordBatch {
    let mut columns = Columns::of(nodes);
    columns
        .written("NodeId", |row, text| write_id(text, row))
        .text("NodeLabel", |row| row.label)
        .text("NodeName", |row| row.name)
        .text("Categories", |row| row.categories)
        .text("NodeProperties", |row| &row.properties)
        .written("EntityIds", |row, text| {
            let _ = write!(
                text,
                "[{{\"type\":\"{}\",\"id\":\"{}\"}}]",
                row.entity.0, row.entity.1
            );
        });
    columns.finish()
}

fn edge_table(nodes: &[Node<'_>], edges: &[Edge]) -> RecordBatch {
    let mut columns = Columns::of(edges);
    columns
        .written("EdgeId", |row, text| {
            write_id(text, &nodes[row.0]);
            text.push('|');
            write_id(text, &nodes[row.1]);
        })
        .text("EdgeLabel", |row| row.2)
        .written("SourceNodeId", |row, text| write_id(text, &nodes[row.0]))
        .text("SourceNodeName", |row| nodes[row.0].name)
        .text("SourceNodeLabel", |row| nodes[row.0].label)
        .text("SourceNodeCategories", |row| nodes[row.0].categories)
        .written("TargetNodeId", |row, text| write_id(text, &nodes[row.1]))
        .text("TargetNodeName", |row| nodes[row.1].name)
        .text("TargetNodeLabel", |row| nodes[row.1].label)
        .text("TargetNodeCategories", |row| nodes[row.1].categories)
        .text("EdgeProperties", |_| "{}");
    columns.finish()
}
