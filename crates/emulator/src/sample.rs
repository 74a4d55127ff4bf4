//! Sample data: thirty days of a made-up company, with three intrusions to find
//! and an exercise.
//!
//! Contoso has fifteen people, their workstations, six servers and a cloud tenant. Everything
//! is made from a seed and a point in time, so that a demonstration always has fresh data and
//! a test always has the same. Identifiers agree across tables: devices, accounts, logons,
//! process trees, file hashes, messages and addresses join as they do in a tenant. People,
//! companies and vulnerabilities are invented; addresses come from the ranges that are set
//! aside for private use and for documentation.
//!
//! The files are layered: what exists (`company`, `software`), what can happen (`events`,
//! `world`), what happens on any day (`startup`, `*_noise`), what should not have happened
//! (`intrusions`), and one file per family of tables that turns it into columns.

mod alerts;
mod background_noise;
mod calendar;
mod cloud_apps;
mod columns;
mod company;
mod email;
mod endpoint_noise;
mod endpoint_tables;
mod events;
mod exercise;
mod exposure;
mod identity;
mod intrusions;
mod inventory;
mod mail_noise;
mod office_work;
mod random;
mod server_noise;
mod software;
mod startup;
mod tenant_noise;
mod vulnerabilities;
mod world;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::SystemTime};

use arrow::array::RecordBatch;

use self::world::World;

/// What the sample data is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SampleOptions {
    /// Decides every name, number and time that is left to chance.
    pub(crate) seed: u64,
    /// The end of the thirty days.
    pub(crate) now: SystemTime,
}

/// The tables of the sample by name; every table is sorted by time.
///
/// Columns that a table has in the service and not here are those that nothing fills. Times
/// are UTC in nanoseconds with a resolution of 100, `dynamic` columns are JSON text. The same
/// options give the same tables.
pub(crate) fn generate(options: &SampleOptions) -> BTreeMap<String, Vec<RecordBatch>> {
    let mut world = World::new(options);
    endpoint_noise::generate(&mut world);
    server_noise::generate(&mut world);
    tenant_noise::generate(&mut world);
    intrusions::generate(&mut world);
    // Last, so that what came before does not depend on it.
    exercise::generate(&mut world);
    world.settle();

    let mut tables = BTreeMap::new();
    let mut add = |name: &str, batch: RecordBatch| {
        tables.insert(name.to_owned(), vec![batch]);
    };
    inventory::tables(&world, &mut add);
    vulnerabilities::tables(&world, &mut add);
    endpoint_tables::tables(&world, &mut add);
    identity::tables(&world, &mut add);
    email::tables(&world, &mut add);
    cloud_apps::tables(&world, &mut add);
    alerts::tables(&world, &mut add);
    exposure::tables(&world, &mut add);
    tables
}
