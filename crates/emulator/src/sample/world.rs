//! What can happen in the sample, and the record of what did.

use std::{collections::BTreeMap, net::Ipv4Addr};

use super::{
    SampleOptions,
    calendar::Calendar,
    company::{APP_POOL, Company, LOCAL_SERVICE, NETWORK_SERVICE, SYSTEM},
    events::{
        Boot, Connection, Event, FileChange, Load, Logon, Process, RegistryChange, Session, Source,
    },
    random::Random,
    software::{Content, Software, Text},
};

/// Everything that exists and everything that happened.
#[derive(Debug)]
pub(super) struct World {
    pub(super) calendar: Calendar,
    pub(super) random: Random,
    pub(super) company: Company,
    pub(super) contents: Vec<Content>,
    pub(super) software: Software,

    pub(super) processes: Vec<Process>,
    pub(super) connections: Vec<Connection>,
    pub(super) files: Vec<FileChange>,
    pub(super) registry: Vec<RegistryChange>,
    pub(super) logons: Vec<Logon>,
    pub(super) loads: Vec<Load>,
    pub(super) events: Vec<Event>,

    pub(super) mail: super::email::Mailbox,
    pub(super) identity: super::identity::Directory,
    pub(super) cloud: super::cloud_apps::Tenant,
    pub(super) alerts: super::alerts::Desk,

    /// The starts of each device, oldest first.
    pub(super) boots: BTreeMap<usize, Vec<Boot>>,
    pub(super) sessions: Vec<Session>,
    next_process: Vec<i64>,
}

impl World {
    /// A world in which nothing has happened.
    pub(super) fn new(options: &SampleOptions) -> Self {
        let mut random = Random::new(options.seed);
        let company = Company::new(&mut random);
        let mut contents = Vec::with_capacity(8 * 1024);
        let software = Software::new(&mut random, &mut contents);
        let next_process = company.devices.iter().map(|_| 400).collect();
        Self {
            calendar: Calendar::new(options.now),
            random,
            company,
            contents,
            software,
            processes: Vec::with_capacity(32 * 1024),
            connections: Vec::with_capacity(32 * 1024),
            files: Vec::with_capacity(16 * 1024),
            registry: Vec::with_capacity(16 * 1024),
            logons: Vec::with_capacity(8 * 1024),
            loads: Vec::with_capacity(16 * 1024),
            events: Vec::with_capacity(16 * 1024),
            mail: super::email::Mailbox::default(),
            identity: super::identity::Directory::default(),
            cloud: super::cloud_apps::Tenant::default(),
            alerts: super::alerts::Desk::default(),
            boots: BTreeMap::new(),
            sessions: Vec::new(),
            next_process,
        }
    }

    /// New content for a file.
    pub(super) fn content(&mut self, size: i64) -> usize {
        self.contents.push(Content::new(&mut self.random, size));
        self.contents.len() - 1
    }

    /// A process of the same account and logon as its parent.
    pub(super) fn spawn(
        &mut self,
        parent: usize,
        time: i64,
        image: &str,
        command: impl Into<Text>,
    ) -> usize {
        let image = self.software.find(image);
        let from = &self.processes[parent];
        let process = Process {
            device: from.device,
            image,
            id: 0,
            created: time,
            command: command.into(),
            account: from.account,
            logon: from.logon,
            integrity: from.integrity,
            session: from.session,
            parent: Some(parent),
            remote: from.remote,
        };
        self.start(process)
    }

    /// A process that a service host or the like starts for one of the built-in accounts.
    pub(super) fn spawn_service(
        &mut self,
        parent: usize,
        time: i64,
        image: &str,
        command: impl Into<Text>,
        account: usize,
    ) -> usize {
        let started = self.spawn(parent, time, image, command);
        let process = &mut self.processes[started];
        process.account = account;
        process.session = 0;
        process.integrity = "System";
        process.logon = match account {
            SYSTEM => 999,
            LOCAL_SERVICE => 997,
            NETWORK_SERVICE => 996,
            APP_POOL => 90_112,
            _ => process.logon,
        };
        if account == APP_POOL {
            process.integrity = "High";
        }
        started
    }

    /// Records a process and gives it its id.
    pub(super) fn start(&mut self, mut process: Process) -> usize {
        let next = &mut self.next_process[process.device];
        *next += 4 * self.random.between(1, 40);
        if *next > 32_000 {
            *next = 600 + 4 * self.random.below(100);
        }
        if process.id == 0 {
            process.id = *next;
        }
        self.processes.push(process);
        self.processes.len() - 1
    }

    /// The path of the file a process runs.
    pub(super) fn image_path(&self, process: usize) -> &str {
        &self.software.images[self.processes[process].image].path
    }

    /// A connection that `actor` opened.
    pub(super) fn connect(
        &mut self,
        actor: usize,
        time: i64,
        remote: Ipv4Addr,
        port: i32,
        url: impl Into<Text>,
    ) {
        let protocol = if port == 53 { "Udp" } else { "Tcp" };
        self.connection(
            actor,
            time,
            "ConnectionSuccess",
            (remote, port),
            url,
            protocol,
        );
    }

    /// A connection with everything that can be said about it.
    pub(super) fn connection(
        &mut self,
        actor: usize,
        time: i64,
        action: &'static str,
        (remote, port): (Ipv4Addr, i32),
        url: impl Into<Text>,
        protocol: &'static str,
    ) {
        let local = self.company.address(self.processes[actor].device, time);
        let local_port = i32::try_from(self.random.between(49_152, 65_535)).unwrap_or(0);
        self.connections.push(Connection {
            time,
            actor,
            action,
            remote,
            port,
            url: url.into(),
            protocol,
            local,
            local_port,
        });
    }

    /// A change of a file on the device of `actor`.
    pub(super) fn file(
        &mut self,
        actor: usize,
        time: i64,
        action: &'static str,
        path: impl Into<Text>,
        content: usize,
    ) -> &mut FileChange {
        let place = self.files.len();
        self.files.push(FileChange {
            time,
            actor,
            action,
            path: path.into(),
            content,
            origin: Text::Borrowed(""),
            origin_ip: None,
            referrer: Text::Borrowed(""),
            previous: Text::Borrowed(""),
            request: None,
        });
        &mut self.files[place]
    }

    /// A registry value set by `actor`.
    pub(super) fn set_value(
        &mut self,
        actor: usize,
        time: i64,
        key: impl Into<Text>,
        value: impl Into<Text>,
        data: impl Into<Text>,
    ) -> &mut RegistryChange {
        let place = self.registry.len();
        self.registry.push(RegistryChange {
            time,
            actor,
            action: "RegistryValueSet",
            key: key.into(),
            value: value.into(),
            data: data.into(),
            previous: Text::Borrowed(""),
        });
        &mut self.registry[place]
    }

    /// An authentication at `device`; its id is new.
    pub(super) fn log_on(
        &mut self,
        device: usize,
        time: i64,
        kind: &'static str,
        account: usize,
        source: Source,
    ) -> i64 {
        let id = self.random.between(0x0008_0000, 0x3fff_ffff);
        let actor = self.boot(device, time).lsass;
        let protocol = match (kind, source) {
            ("Network" | "RemoteInteractive", Source::Device(_)) => "Kerberos",
            ("Network", _) => "NTLM",
            _ => "Negotiate",
        };
        let admin = self.company.accounts[account].name.starts_with("ad");
        self.logons.push(Logon {
            time,
            actor,
            kind,
            account,
            id,
            protocol,
            failure: "",
            admin,
            source,
        });
        id
    }

    /// A library loaded by `actor`.
    pub(super) fn load(&mut self, actor: usize, time: i64, image: &str) {
        let image = self.software.find(image);
        self.loads.push(Load { time, actor, image });
    }

    /// Something else that the device of `actor` reports.
    pub(super) fn event(&mut self, actor: usize, time: i64, action: &'static str) -> &mut Event {
        let place = self.events.len();
        self.events.push(Event {
            time,
            actor,
            action,
            path: Text::Borrowed(""),
            content: None,
            target: None,
            url: Text::Borrowed(""),
            remote: None,
            additional: Text::Borrowed(""),
        });
        &mut self.events[place]
    }

    /// The processes of `device` that were running at `time`.
    #[expect(
        clippy::expect_used,
        reason = "every device with processes starts before the window"
    )]
    pub(super) fn boot(&self, device: usize, time: i64) -> &Boot {
        let boots = self.boots.get(&device).expect("a device that runs Windows");
        let later = boots.partition_point(|boot| boot.time <= time);
        boots
            .get(later.saturating_sub(1))
            .expect("a start before the window")
    }

    /// The session of a person on the day that begins at `day`.
    #[expect(
        clippy::expect_used,
        reason = "people with a part to play are never away"
    )]
    pub(super) fn session(&self, person: usize, day: i64) -> Session {
        let of_day = |session: &&Session| session.device == person && session.day == day;
        self.sessions
            .iter()
            .find(of_day)
            .expect("a day at work")
            .clone()
    }

    /// Drops what lies outside of the window and puts the rest in order.
    pub(super) fn settle(&mut self) {
        let calendar = self.calendar;
        macro_rules! settle {
            ($($rows:expr),* $(,)?) => {$(
                $rows.retain(|row| calendar.contains(row.time));
                $rows.sort_by_key(|row| row.time);
            )*};
        }
        settle!(
            self.connections,
            self.files,
            self.registry,
            self.logons,
            self.loads,
            self.events,
        );
        self.mail.settle(calendar);
        self.identity.settle(calendar);
        self.cloud.settle(calendar);
        self.alerts.settle(calendar);
    }
}
