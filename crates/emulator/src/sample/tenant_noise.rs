//! What happens in the cloud tenant and the directory on any day: sign-ins and documents.

use std::net::Ipv4Addr;

use super::{
    alerts::{Alert, Behavior, Evidence},
    calendar::{DAY, DAYS, HOUR, MINUTE, SECOND, is_workday},
    cloud_apps::{Activity, App, Application},
    company::{
        DOMAIN_CONTROLLER, FILE_SERVER, PEOPLE, SITES, SQL_SERVER, SUPPORT, SUPPORT_ADMIN,
        TRAVELLER,
    },
    events::Session,
    identity::{DirectoryChange, DirectoryLogon, DirectoryQuery, Place, SignIn},
    mail_noise,
    software::Text,
    world::World,
};

const APPLICATIONS: [(&str, &str); 6] = [
    (
        "Office 365 Exchange Online",
        "00000002-0000-0ff1-ce00-000000000000",
    ),
    ("Microsoft Teams", "1fec8e78-bce4-4aaf-ab1b-5451cc387264"),
    (
        "Office 365 SharePoint Online",
        "00000003-0000-0ff1-ce00-000000000000",
    ),
    ("Microsoft Office", "d3590ed6-52b3-4102-aeff-aad2292ab01c"),
    ("One Outlook Web", "9199bf20-a13f-4107-85dc-02114787ef48"),
    ("OfficeHome", "4765445b-32c6-49b0-83e6-1d93765276ca"),
];

/// Where the traveller signs in from.
const LISBON: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 131);

/// The tenant on every day of the window.
pub(super) fn generate(world: &mut World) {
    let mut tokens: Vec<String> = Vec::new();
    for _ in 0..world.company.people.len() {
        let token = world.random.guid();
        tokens.push(token);
    }
    for session in world.sessions.clone() {
        let person = session.account - PEOPLE;
        // A browser keeps its session until the week is over.
        if !is_workday(session.day - DAY) {
            tokens[person] = world.random.guid();
        }
        signed_in(world, &session, &tokens[person]);
        documents(world, &session);
        mail_noise::letters(world, &session);
        on_premises(world, &session);
    }
    for back in (0..=DAYS).rev() {
        let day = world.calendar.day(back);
        mail_noise::junk(world, day);
        directory(world, day);
    }
    apps(world);
    false_alarms(world);
}

/// Where somebody is on a day, and the address they have there.
fn whereabouts(world: &World, session: &Session) -> (Place, Ipv4Addr) {
    let person = session.account - PEOPLE;
    let calendar = world.calendar;
    if person == TRAVELLER && (calendar.workday(9)..=calendar.workday(6)).contains(&session.day) {
        return (Place("PT", "Lisbon", "38.72", "-9.14"), LISBON);
    }
    let site = world.company.people[person].site;
    (Place::site(site), SITES[site].public)
}

fn signed_in(world: &mut World, session: &Session, token: &str) {
    let (place, address) = whereabouts(world, session);
    let person = session.account - PEOPLE;
    let agent = world.company.people[person].agent;
    let count = world.random.between(12, 20);
    for number in 0..count {
        let (name, id) = world.random.pick(&APPLICATIONS);
        let time = match number {
            0 => session.start + 20 * SECOND,
            _ => world.random.time(session.start + MINUTE, session.end),
        };
        let fails = number > 0 && world.random.chance(2);
        let request = world.random.guid();
        world.identity.sign_ins.push(SignIn {
            time,
            application: (name, Text::Borrowed(id)),
            interactive: number == 0,
            error: if fails { 50_126 } else { 0 },
            account: session.account,
            address,
            place,
            session: token.to_owned(),
            device: Some(session.device),
            agent,
            client: if number % 3 == 0 {
                "Browser"
            } else {
                "Mobile Apps and Desktop clients"
            },
            resource: "Microsoft Graph",
            risk: 0,
            mfa: number == 0,
            request,
        });
    }
}

fn documents(world: &mut World, session: &Session) {
    const FILES: [&str; 9] = [
        "Budget 2027.xlsx",
        "Offer.docx",
        "Handbook.pdf",
        "Price list.xlsx",
        "Minutes.docx",
        "Roadmap.pptx",
        "Route plan.xlsx",
        "Contract.docx",
        "Suppliers.xlsx",
    ];
    let (place, address) = whereabouts(world, session);
    let agent = world.company.people[session.account - PEOPLE].agent;
    let count = world.random.between(10, 18);
    for _ in 0..count {
        let time = world.random.time(session.start + MINUTE, session.end);
        let file = world.random.pick(&FILES);
        let (action, application, kind, object): (_, _, _, Text) = match world.random.below(10) {
            0..=2 => ("FileAccessed", Application::SharePoint, "File", file.into()),
            3 | 4 => ("FileModified", Application::OneDrive, "File", file.into()),
            5 => (
                "FileDownloaded",
                Application::SharePoint,
                "File",
                file.into(),
            ),
            6 => ("FileUploaded", Application::OneDrive, "File", file.into()),
            7 => (
                "MailItemsAccessed",
                Application::Exchange,
                "Mailbox",
                "Inbox".into(),
            ),
            8 => ("MessageSent", Application::Teams, "Chat", "Team".into()),
            _ => (
                "UserLoggedIn",
                Application::Office,
                "Account",
                "Microsoft 365".into(),
            ),
        };
        let details = match action {
            "MailItemsAccessed" => {
                "\"OperationProperties\":[{\"Name\":\"MailAccessType\",\"Value\":\"Bind\"}]"
            }
            _ => "",
        };
        world.cloud.activities.push(Activity {
            time,
            action,
            application,
            account: session.account,
            address,
            place,
            agent,
            object: (kind, object),
            details: details.into(),
            through: "".into(),
        });
    }
    if world.random.chance(1) {
        world.cloud.activities.push(Activity {
            time: session.start + HOUR,
            action: "New-InboxRule",
            application: Application::Exchange,
            account: session.account,
            address,
            place,
            agent,
            object: ("Rule", "Newsletters".into()),
            details: "\"Parameters\":[{\"Name\":\"Name\",\"Value\":\"Newsletters\"},{\"Name\":\"From\",\"Value\":\"news@tailspin.example\"},{\"Name\":\"MoveToFolder\",\"Value\":\"Later\"}]".into(),
            through: "".into(),
        });
    }
}

fn on_premises(world: &mut World, session: &Session) {
    let site = world.company.people[session.account - PEOPLE].site;
    let count = world.random.between(8, 14);
    for number in 0..count {
        let time = match number {
            0 => session.start,
            _ => world.random.time(session.start, session.end),
        };
        let address = world.company.address(session.device, time);
        let destination = world
            .random
            .pick(&[DOMAIN_CONTROLLER, FILE_SERVER, SQL_SERVER]);
        world.identity.logons.push(DirectoryLogon {
            time,
            application: "Active Directory",
            kind: if number == 0 {
                "Interactive"
            } else {
                "Resource access"
            },
            protocol: if world.random.chance(4) {
                "Ntlm"
            } else {
                "Kerberos"
            },
            failure: if world.random.chance(2) {
                "WrongPassword"
            } else {
                ""
            },
            account: session.account,
            device: Some(session.device),
            address,
            destination: Some(destination),
            location: "",
        });
    }
    for _ in 0..4 {
        let time = world.random.time(session.start, session.end);
        world.identity.logons.push(DirectoryLogon {
            time,
            application: "Microsoft 365",
            kind: "OAuth2:Token",
            protocol: "OAuth2",
            failure: "",
            account: session.account,
            device: None,
            address: SITES[site].public,
            destination: None,
            location: SITES[site].country,
        });
    }
}

fn directory(world: &mut World, day: i64) {
    let count = if is_workday(day) {
        world.random.between(22, 30)
    } else {
        4
    };
    for _ in 0..count {
        let time = world.random.time(day + 7 * HOUR, day + 18 * HOUR);
        let person = world.random.index(15);
        let (action, kind, query): (_, _, Text) = match world.random.below(4) {
            0 => ("SAMR query", "QueryUser", "".into()),
            1 => (
                "DNS query",
                "Srv",
                "_ldap._tcp.dc._msdcs.contoso.com".into(),
            ),
            _ => (
                "LDAP query",
                "AllObjects",
                "(&(objectClass=user)(sAMAccountName=*))".into(),
            ),
        };
        let target = world.company.accounts[PEOPLE + world.random.index(15)]
            .name
            .clone();
        world.identity.queries.push(DirectoryQuery {
            time,
            action,
            kind,
            target: target.into(),
            query,
            account: PEOPLE + person,
            device: person,
        });
    }
    if is_workday(day) {
        for _ in 0..world.random.between(8, 14) {
            let time = world.random.time(day + 8 * HOUR, day + 17 * HOUR);
            let (action, additional) = world.random.pick(&[
                ("Account Password changed", "{}"),
                (
                    "Group Membership changed",
                    "{\"TO.GROUP\":\"Project Orders\"}",
                ),
                ("Account Display Name changed", "{}"),
                ("Device Operating System changed", "{}"),
                ("SMB file copy", "{\"FilePath\":\"Team\\\\Minutes.docx\"}"),
            ]);
            world.identity.changes.push(DirectoryChange {
                time,
                action,
                account: SUPPORT_ADMIN,
                target: PEOPLE + world.random.index(15),
                device: SUPPORT,
                additional: additional.into(),
            });
        }
    }
}

/// Name, publisher, privilege, permissions, people, and how many days ago it came.
type KnownApp = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    i32,
    i64,
);

fn apps(world: &mut World) {
    let known: [KnownApp; 4] = [
        (
            "Northwind Planner Sync",
            "Northwind Systems",
            "Medium",
            &["Calendars.ReadWrite", "User.Read"],
            12,
            210,
        ),
        (
            "Wingtip Signatures",
            "Wingtip Software",
            "Low",
            &["User.Read"],
            15,
            320,
        ),
        (
            "Tailspin Cloud Backup",
            "Tailspin Data",
            "High",
            &["Files.Read.All", "Sites.Read.All"],
            2,
            150,
        ),
        (
            "Proseware Survey",
            "",
            "Low",
            &["User.Read", "email"],
            3,
            19,
        ),
    ];
    for (name, publisher, privilege, permissions, users, age) in known {
        let app = App {
            time: 0,
            id: world.random.guid(),
            principal: world.random.guid(),
            name,
            added: world.calendar.day(age) + 10 * HOUR,
            publisher,
            privilege,
            permissions,
            users,
            by_admin: users > 10,
            origin: "External",
            owner: world.random.guid(),
        };
        for back in [28, 21, 14, 7, 0] {
            let time = world.calendar.day(back) + 2 * HOUR;
            if time > app.added {
                world.cloud.apps.push(App {
                    time,
                    ..app.clone()
                });
            }
        }
        if let (true, Some(session)) = (publisher.is_empty(), world.sessions.first().cloned()) {
            let (place, address) = whereabouts(world, &session);
            world.cloud.activities.push(Activity {
                time: app.added,
                action: "Consent to application.",
                application: Application::Office,
                account: session.account,
                address,
                place,
                agent: world.company.people[session.account - PEOPLE].agent,
                object: ("Application", name.into()),
                details: format!("\"Target\":[{{\"ID\":\"{}\",\"Type\":2}}]", app.id).into(),
                through: "".into(),
            });
        }
    }
}

/// Alerts and a behaviour that turned out to be nothing.
fn false_alarms(world: &mut World) {
    let day = world.calendar.workday(7);
    let id = world.random.guid();
    world.alerts.behaviors.push(Behavior {
        time: day + 12 * HOUR,
        id,
        action: "ImpossibleTravelActivity",
        title: "Impossible travel activity",
        techniques: "[\"Cloud Accounts (T1078.004)\"]",
        category: "InitialAccess",
        account: PEOPLE + TRAVELLER,
        address: LISBON,
        start: day + 9 * HOUR,
    });
    for back in (1..DAYS).rev() {
        let day = world.calendar.day(back);
        if !world.random.chance(70) {
            continue;
        }
        let person = world.random.index(15);
        let time = world.random.time(day + 8 * HOUR, day + 17 * HOUR);
        let mut evidence = vec![Evidence::Device(person), Evidence::Account(PEOPLE + person)];
        let (title, category, severity, service, detection, techniques) = world.random.pick(&[
            (
                "An active unwanted application was detected",
                "UnwantedSoftware",
                "Low",
                "Microsoft Defender for Endpoint",
                "Antivirus",
                "",
            ),
            (
                "Suspicious connection blocked by network protection",
                "CommandAndControl",
                "Informational",
                "Microsoft Defender for Endpoint",
                "SmartScreen",
                "[\"Web Protocols (T1071.001)\"]",
            ),
            (
                "Unfamiliar sign-in properties",
                "InitialAccess",
                "Low",
                "AAD Identity Protection",
                "AAD Identity Protection",
                "[\"Cloud Accounts (T1078.004)\"]",
            ),
        ]);
        if title.starts_with("Suspicious") {
            evidence.push(Evidence::Link("https://ads.wingtip.example/".into()));
        }
        let id = format!("da{}_1", world.random.hex(24));
        world.alerts.alerts.push(Alert {
            time,
            id,
            title,
            category,
            severity,
            service,
            detection,
            techniques,
            evidence,
        });
    }
}
