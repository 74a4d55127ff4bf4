//! Contoso: its people, accounts, devices and addresses, all invented.

use std::net::Ipv4Addr;

use super::{
    calendar::DAY,
    random::{Random, mix},
};

/// An account that runs processes or signs in.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) domain: &'static str,
    pub(super) sid: String,
    pub(super) upn: String,
    pub(super) object_id: String,
    pub(super) display: String,
}

/// A person of Contoso; person `n` has account `PEOPLE + n` and works at device `n`.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) given: &'static str,
    pub(super) surname: &'static str,
    pub(super) department: &'static str,
    pub(super) title: &'static str,
    pub(super) site: usize,
    pub(super) phone: String,
    /// Their browser, as services see it.
    pub(super) agent: &'static str,
}

/// A place where Contoso works.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) city: &'static str,
    pub(super) country: &'static str,
    pub(super) latitude: &'static str,
    pub(super) longitude: &'static str,
    /// The address its traffic leaves from.
    pub(super) public: Ipv4Addr,
    /// The third number of its addresses inside.
    network: u8,
}

pub(super) const SITES: [Site; 2] = [
    Site {
        city: "Dublin",
        country: "IE",
        latitude: "53.35",
        longitude: "-6.26",
        public: Ipv4Addr::new(198, 51, 100, 10),
        network: 4,
    },
    Site {
        city: "Utrecht",
        country: "NL",
        latitude: "52.09",
        longitude: "5.12",
        public: Ipv4Addr::new(198, 51, 100, 11),
        network: 8,
    },
];

/// A device that Defender watches.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) entra_id: String,
    pub(super) kind: DeviceKind,
    pub(super) site: usize,
    pub(super) mac: String,
    seed: u64,
}

/// What a device is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeviceKind {
    Workstation,
    Server,
    Linux,
}

// Accounts, by their place in `Company::accounts`.
pub(super) const SYSTEM: usize = 0;
pub(super) const LOCAL_SERVICE: usize = 1;
pub(super) const NETWORK_SERVICE: usize = 2;
pub(super) const APP_POOL: usize = 3;
pub(super) const ADMINISTRATOR: usize = 4;
pub(super) const SUPPORT_ADMIN: usize = 5;
pub(super) const BACKUP: usize = 6;
pub(super) const DEPLOY: usize = 7;
/// The account of the first person.
pub(super) const PEOPLE: usize = 8;

// Devices, by their place in `Company::devices`; before them come the workstations.
pub(super) const DOMAIN_CONTROLLER: usize = 15;
pub(super) const FILE_SERVER: usize = 16;
pub(super) const SQL_SERVER: usize = 17;
pub(super) const WEB_SERVER: usize = 18;
pub(super) const JUMP_SERVER: usize = 19;
pub(super) const BUILD_SERVER: usize = 20;

// People with a part to play, by their place in `Company::people`.
pub(super) const CLERK: usize = 3;
pub(super) const SUPPORT: usize = 5;
pub(super) const SALES: usize = 9;
pub(super) const TRAVELLER: usize = 11;

/// The tenant of Contoso in Microsoft Entra ID.
pub(super) const TENANT: &str = "5d1c7a90-3b64-4e0f-9a52-c1f0d8e2b714";

const EDGE: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like \
                    Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0";
const EDGE_BEFORE: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, \
                           like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0";

const NAMES: [(&str, &str, &str, &str); 15] = [
    ("Aoife", "Kerrigan", "Executive", "Managing Director"),
    ("Tomas", "Vesely", "Finance", "Head of Finance"),
    ("Leila", "Haddad", "Finance", "Controller"),
    ("Nina", "Brandt", "Finance", "Accounts Payable Clerk"),
    ("Priya", "Raman", "IT", "Head of IT"),
    ("Oskar", "Lindqvar", "IT", "Support Engineer"),
    ("Jonas", "Meerman", "Engineering", "Software Engineer"),
    ("Hanna", "Oksavuo", "Engineering", "Software Engineer"),
    ("Marek", "Dudzic", "Sales", "Head of Sales"),
    ("Sofia", "Pellegra", "Sales", "Account Manager"),
    ("Ruben", "Castellon", "Sales", "Account Manager"),
    ("Yara", "Benalou", "Sales", "Field Consultant"),
    ("Colm", "Dohertain", "Operations", "Warehouse Planner"),
    ("Emi", "Takedara", "Human Resources", "People Partner"),
    ("Pieter", "Vroomans", "Legal", "Counsel"),
];

/// Everyone and everything there is.
#[derive(Debug)]
pub(super) struct Company {
    pub(super) accounts: Vec<Account>,
    pub(super) people: Vec<Person>,
    pub(super) devices: Vec<Device>,
}

impl Company {
    /// Contoso as this stream of chance decides it.
    pub(super) fn new(random: &mut Random) -> Self {
        let authority = format!(
            "S-1-5-21-{}-{}-{}",
            random.between(1_000_000_000, 3_999_999_999),
            random.between(1_000_000_000, 3_999_999_999),
            random.between(1_000_000_000, 3_999_999_999)
        );
        let local = |name: &str, domain, sid: &str| Account {
            name: name.to_owned(),
            domain,
            sid: sid.to_owned(),
            upn: String::new(),
            object_id: String::new(),
            display: name.to_owned(),
        };
        let mut accounts = vec![
            local("system", "nt authority", "S-1-5-18"),
            local("local service", "nt authority", "S-1-5-19"),
            local("network service", "nt authority", "S-1-5-20"),
            local(
                "formspool",
                "iis apppool",
                "S-1-5-82-271721585-897601226-2024613209-625570482",
            ),
            local("administrator", "contoso", &format!("{authority}-500")),
        ];
        let mut in_domain = |name: String, display: String, number: usize| Account {
            upn: format!("{name}@contoso.com"),
            name,
            domain: "contoso",
            sid: format!("{authority}-{}", 1103 + number),
            object_id: random.guid(),
            display,
        };
        for (number, (name, display)) in [
            ("adm-oskar", "Oskar Lindqvar (admin)"),
            ("svc-backup", "Backup service"),
            ("svc-deploy", "Deployment service"),
        ]
        .into_iter()
        .enumerate()
        {
            accounts.push(in_domain(name.to_owned(), display.to_owned(), number));
        }
        for (number, (given, surname, ..)) in NAMES.iter().enumerate() {
            let name = format!("{given}.{surname}").to_lowercase();
            accounts.push(in_domain(name, format!("{given} {surname}"), 20 + number));
        }
        let people = NAMES
            .iter()
            .enumerate()
            .map(|(number, &(given, surname, department, title))| Person {
                given,
                surname,
                department,
                title,
                site: usize::from(number % 3 == 2),
                // Ofcom sets these numbers aside for drama.
                phone: format!("+44 20 7946 0{:03}", random.below(1000)),
                agent: if number % 4 == 1 { EDGE_BEFORE } else { EDGE },
            })
            .collect();
        let servers = ["dc01", "file01", "sql01", "web01", "jump01", "build01"];
        let names = NAMES.iter().map(|_| None).chain(servers.iter().map(Some));
        let devices = names
            .enumerate()
            .map(|(number, server)| Device {
                id: random.hex(40),
                name: match server {
                    Some(name) => format!("{name}.contoso.com"),
                    None => format!("ws-{:04}.contoso.com", 2101 + number * 7),
                },
                entra_id: random.guid(),
                kind: match server {
                    None => DeviceKind::Workstation,
                    Some(&"build01") => DeviceKind::Linux,
                    Some(_) => DeviceKind::Server,
                },
                site: if server.is_some() {
                    0
                } else {
                    usize::from(number % 3 == 2)
                },
                mac: format!(
                    "02-00-5E-{:02X}-{:02X}-{number:02X}",
                    random.below(256),
                    random.below(256)
                ),
                seed: random.bits(),
            })
            .collect();
        Self {
            accounts,
            people,
            devices,
        }
    }

    /// The address a device has inside at a point in time; workstations get theirs by DHCP.
    pub(super) fn address(&self, device: usize, time: i64) -> Ipv4Addr {
        let last = u8::try_from(device).unwrap_or(0);
        let kept = &self.devices[device];
        match kept.kind {
            DeviceKind::Workstation => {
                // A lease lasts three days. Each device has a corner of the range of its own, so
                // that no two devices share an address on the same day.
                let lease = u64::try_from(time.div_euclid(3 * DAY)).unwrap_or(0);
                let offset = u8::try_from(mix(kept.seed ^ lease) % 13).unwrap_or(0);
                Ipv4Addr::new(10, 20, SITES[kept.site].network, 40 + 14 * last + offset)
            }
            _ if device == WEB_SERVER => Ipv4Addr::new(10, 30, 0, 10),
            _ => Ipv4Addr::new(10, 10, 0, last),
        }
    }

    /// The accounts that Entra ID has, by their place.
    pub(super) fn accounts_of_entra(&self) -> impl Iterator<Item = (usize, &Account)> {
        self.accounts
            .iter()
            .enumerate()
            .filter(|(_, account)| !account.object_id.is_empty())
    }

    /// The name of a device without its domain.
    pub(super) fn short_name(&self, device: usize) -> &str {
        let name = &self.devices[device].name;
        name.split('.').next().unwrap_or(name)
    }
}
