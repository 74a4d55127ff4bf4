//! The second intrusion: an app that a colleague let in, and a mailbox read from abroad.
//!
//! An account manager clicks a link to a shared document and consents to *Mail Backup
//! Assistant*, an app without a publisher that wants to read mail and files. With the tokens
//! of her session somebody signs in from a country where Contoso has nobody, hides mail about
//! payments with a rule, and over half an hour downloads the offers of the sales team.

use std::net::Ipv4Addr;

use super::super::{
    alerts::{Alert, Behavior, Evidence},
    calendar::{HOUR, MINUTE, SECOND},
    cloud_apps::{Activity, App, Application},
    company::{PEOPLE, SALES, SITES},
    email::Click,
    identity::{Place, SignIn},
    mail_noise::message,
    world::World,
};

const ABROAD: Place = Place("IS", "Reykjavik", "64.15", "-21.94");
const ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 150);
const AGENT: &str = "python-requests/2.32.5";
const APP: &str = "Mail Backup Assistant";
const LINK: &str = "https://docs.northwind-share.example/s/q4-bonus-plan";
const ACCOUNT: usize = PEOPLE + SALES;

pub(super) fn generate(world: &mut World) {
    let day = world.calendar.workday(8);
    let app = world.random.guid();
    let consent = lured(world, day, &app);
    signs_in(world, consent);
    hides_and_takes(world, consent, &app);
    noticed(world, consent, app);
}

/// The mail, the click, the consent; gives the time of the last.
fn lured(world: &mut World, day: i64, app: &str) -> i64 {
    let session = world.session(SALES, day);
    let time = world
        .random
        .time(day + 10 * HOUR + 4 * MINUTE, day + 10 * HOUR + 9 * MINUTE);
    let sender = ("share@northwind-share.example", "Northwind Share");
    let mut letter = message(
        world,
        time,
        sender,
        ACCOUNT,
        "Shared with you: Q4 bonus plan",
    );
    letter.sender_ip = Ipv4Addr::new(203, 0, 113, 225);
    letter.authenticated = false;
    letter.links.push(LINK.into());
    let click = time + 11 * MINUTE + 4_321_700;
    let address = world.company.address(session.device, click);
    world.mail.clicks.push(Click {
        time: click,
        url: LINK.into(),
        account: ACCOUNT,
        message: letter.id.clone(),
        address,
        allowed: true,
    });
    world.mail.messages.push(letter);
    let remote = Ipv4Addr::new(203, 0, 113, 226);
    world.connect(
        session.browser,
        click + SECOND,
        remote,
        443,
        "docs.northwind-share.example",
    );

    let consent = click + 2 * MINUTE;
    let site = world.company.people[SALES].site;
    world.cloud.activities.push(Activity {
        time: consent,
        action: "Consent to application.",
        application: Application::Office,
        account: ACCOUNT,
        address: SITES[site].public,
        place: Place::site(site),
        agent: world.company.people[SALES].agent,
        object: ("Application", APP.into()),
        details: format!(
            "\"Target\":[{{\"ID\":\"{app}\",\"Type\":2}}],\"ModifiedProperties\":[{{\"Name\":\
             \"ConsentContext.IsAdminConsent\",\"NewValue\":\"False\"}},{{\"Name\":\
             \"ConsentAction.Permissions\",\"NewValue\":\"Mail.ReadWrite Files.Read.All offline_access\"}}]"
        )
        .into(),
        through: "".into(),
    });
    let grant = App {
        time: consent + 40 * MINUTE,
        id: app.to_owned(),
        principal: world.random.guid(),
        name: APP,
        added: consent,
        publisher: "",
        privilege: "High",
        permissions: &["Mail.ReadWrite", "Files.Read.All", "offline_access"],
        users: 1,
        by_admin: false,
        origin: "External",
        owner: world.random.guid(),
    };
    let later = App {
        time: world.calendar.day(1) + 2 * HOUR,
        ..grant.clone()
    };
    world.cloud.apps.extend([grant, later]);
    consent
}

/// Her own session, from somewhere else.
fn signs_in(world: &mut World, consent: i64) {
    let own = world
        .identity
        .sign_ins
        .iter()
        .filter(|row| row.account == ACCOUNT && row.time < consent);
    let Some(own) = own.max_by_key(|row| row.time).cloned() else {
        return;
    };
    let mut time = consent + 35 * MINUTE;
    for number in 0..9 {
        let request = world.random.guid();
        world.identity.sign_ins.push(SignIn {
            time,
            application: (
                APP,
                world.cloud.apps[world.cloud.apps.len() - 1]
                    .id
                    .clone()
                    .into(),
            ),
            interactive: false,
            error: if number == 0 { 50_074 } else { 0 },
            address: ADDRESS,
            place: ABROAD,
            device: None,
            agent: AGENT,
            client: "Mobile Apps and Desktop clients",
            risk: if number == 1 { 50 } else { 0 },
            mfa: false,
            request,
            ..own.clone()
        });
        time += world.random.time(20 * MINUTE, 3 * HOUR);
    }
}

fn hides_and_takes(world: &mut World, consent: i64, app: &str) {
    let activity = |time, action, application, object, details: String| Activity {
        time,
        action,
        application,
        account: ACCOUNT,
        address: ADDRESS,
        place: ABROAD,
        agent: AGENT,
        object,
        details: details.into(),
        through: app.to_owned().into(),
    };
    let start = consent + 50 * MINUTE;
    for place in 0..14 {
        let time = start + place * 3 * SECOND + 12_345_600;
        let details = "\"OperationProperties\":[{\"Name\":\"MailAccessType\",\"Value\":\"Sync\"}]";
        let object = ("Mailbox", "Inbox".into());
        world.cloud.activities.push(activity(
            time,
            "MailItemsAccessed",
            Application::Exchange,
            object,
            details.to_owned(),
        ));
    }
    let details = "\"Parameters\":[{\"Name\":\"Name\",\"Value\":\".\"},{\"Name\":\"SubjectOrBodyContainsWords\",\
                   \"Value\":\"invoice;payment;iban\"},{\"Name\":\"MoveToFolder\",\"Value\":\"RSS Subscriptions\"},\
                   {\"Name\":\"MarkAsRead\",\"Value\":\"True\"}]";
    world.cloud.activities.push(activity(
        start + 6 * MINUTE,
        "New-InboxRule",
        Application::Exchange,
        ("Rule", ".".into()),
        details.to_owned(),
    ));
    let mut time = start + 70 * MINUTE;
    for number in 0..340 {
        time += world.random.time(2 * SECOND, 8 * SECOND);
        let details = format!(
            "\"SiteUrl\":\"https://contoso.sharepoint.com/sites/Sales/\",\"SourceRelativeUrl\":\"Offers/{}\"",
            2023 + number % 4
        );
        let object = ("File", format!("Offer {:04}.docx", 1100 + number).into());
        world.cloud.activities.push(activity(
            time,
            "FileDownloaded",
            Application::SharePoint,
            object,
            details,
        ));
    }
}

fn noticed(world: &mut World, consent: i64, app: String) {
    let id = world.random.guid();
    world.alerts.behaviors.push(Behavior {
        time: consent + 3 * HOUR,
        id,
        action: "MassDownload",
        title: "Mass download by one user",
        techniques: "[\"Data from Information Repositories (T1213)\"]",
        category: "Collection",
        account: ACCOUNT,
        address: ADDRESS,
        start: consent + 2 * HOUR,
    });
    let id = format!("ca{}_1", world.random.hex(24));
    world.alerts.alerts.push(Alert {
        time: consent + 2 * HOUR,
        id,
        title: "Activity from infrequent country",
        category: "DefenseEvasion",
        severity: "Low",
        service: "Microsoft Defender for Cloud Apps",
        detection: "Microsoft Defender for Cloud Apps",
        techniques: "[\"Cloud Accounts (T1078.004)\"]",
        evidence: vec![
            Evidence::Account(ACCOUNT),
            Evidence::Address(ADDRESS),
            Evidence::App { id: app, name: APP },
            Evidence::Mailbox(ACCOUNT),
        ],
    });
}
