//! The rows of the device tables before they are columns.

use std::net::Ipv4Addr;

use super::software::Text;

/// A process, running or gone.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) device: usize,
    pub(super) image: usize,
    pub(super) id: i64,
    pub(super) created: i64,
    pub(super) command: Text,
    pub(super) account: usize,
    pub(super) logon: i64,
    pub(super) integrity: &'static str,
    pub(super) session: i64,
    pub(super) parent: Option<usize>,
    /// Where the person sits who uses it over a remote desktop.
    pub(super) remote: Option<usize>,
}

impl Process {
    /// What the service calls the kind of token.
    pub(super) fn elevation(&self) -> &'static str {
        match self.integrity {
            "High" => "TokenElevationTypeFull",
            "Medium" | "Low" => "TokenElevationTypeLimited",
            _ => "TokenElevationTypeDefault",
        }
    }
}

/// A connection, or an attempt at one.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) time: i64,
    pub(super) actor: usize,
    pub(super) action: &'static str,
    pub(super) remote: Ipv4Addr,
    pub(super) port: i32,
    pub(super) url: Text,
    pub(super) protocol: &'static str,
    pub(super) local: Ipv4Addr,
    pub(super) local_port: i32,
}

/// A change of a file.
#[derive(Debug)]
pub(super) struct FileChange {
    pub(super) time: i64,
    pub(super) actor: usize,
    pub(super) action: &'static str,
    pub(super) path: Text,
    pub(super) content: usize,
    pub(super) origin: Text,
    pub(super) origin_ip: Option<Ipv4Addr>,
    /// The page that led there.
    pub(super) referrer: Text,
    pub(super) previous: Text,
    /// Who asked for it over the network: account, device, share.
    pub(super) request: Option<(usize, usize, &'static str)>,
}

/// A change of a registry value.
#[derive(Debug)]
pub(super) struct RegistryChange {
    pub(super) time: i64,
    pub(super) actor: usize,
    pub(super) action: &'static str,
    pub(super) key: Text,
    pub(super) value: Text,
    pub(super) data: Text,
    pub(super) previous: Text,
}

/// An authentication at a device.
#[derive(Debug)]
pub(super) struct Logon {
    pub(super) time: i64,
    /// The process of the device that let it in or did not.
    pub(super) actor: usize,
    pub(super) kind: &'static str,
    pub(super) account: usize,
    pub(super) id: i64,
    pub(super) protocol: &'static str,
    /// Why it failed; it did not if empty.
    pub(super) failure: &'static str,
    pub(super) admin: bool,
    pub(super) source: Source,
}

/// Where an authentication came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Here,
    Device(usize),
    Outside(Ipv4Addr),
}

/// A library loaded by a process.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) time: i64,
    pub(super) actor: usize,
    pub(super) image: usize,
}

/// Anything else a device reports.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) time: i64,
    pub(super) actor: usize,
    pub(super) action: &'static str,
    pub(super) path: Text,
    pub(super) content: Option<usize>,
    pub(super) target: Option<usize>,
    pub(super) url: Text,
    pub(super) remote: Option<(Ipv4Addr, i32)>,
    pub(super) additional: Text,
}

/// The processes that every start of a device brings.
#[derive(Clone, Debug)]
pub(super) struct Boot {
    pub(super) time: i64,
    pub(super) kernel: usize,
    pub(super) winlogon: usize,
    pub(super) services: usize,
    pub(super) lsass: usize,
    /// The service hosts: schedule, network, DNS client, update, remote procedure calls.
    pub(super) hosts: Vec<usize>,
    pub(super) defender: usize,
    pub(super) sense: usize,
    pub(super) management: usize,
    pub(super) search: usize,
    /// What the device is for, such as the worker of a web server.
    pub(super) role: Option<usize>,
}

impl Boot {
    /// The service host that runs scheduled tasks.
    pub(super) fn schedule(&self) -> usize {
        self.hosts[0]
    }

    /// The service host that resolves names.
    pub(super) fn resolver(&self) -> usize {
        self.hosts[2]
    }
}

/// A day of somebody at their workstation.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) device: usize,
    pub(super) account: usize,
    pub(super) day: i64,
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) explorer: usize,
    pub(super) outlook: usize,
    pub(super) browser: usize,
    pub(super) teams: usize,
    pub(super) onedrive: usize,
}
