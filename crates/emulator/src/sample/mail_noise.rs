//! Mail on any day: letters, advertising, fraud that was stopped.

use std::net::Ipv4Addr;

use super::{
    alerts::{Alert, Evidence},
    calendar::{DAY, HOUR, MINUTE, SECOND},
    company::PEOPLE,
    email::{Attachment, Click, Delivery, Message, Removal},
    endpoint_noise::HOSTS,
    events::Session,
    software::Text,
    world::World,
};

const SUBJECTS: [&str; 12] = [
    "Minutes of this morning",
    "Re: delivery next week",
    "Offer 2027",
    "Question about the contract",
    "Lunch on Thursday?",
    "Fwd: price list",
    "Planner: new order",
    "Re: Re: stock count",
    "Holiday handover",
    "Invitation: quarterly review",
    "Your invoice",
    "Draft for comments",
];

const PARTNERS: [(&str, &str); 8] = [
    ("orders@fabrikam.com", "Fabrikam Orders"),
    ("billing@fabrikam.com", "Fabrikam Billing"),
    ("service@northwind.example", "Northwind Service"),
    ("planner@northwind.example", "Planner"),
    ("news@tailspin.example", "Tailspin News"),
    ("sales@adatum.example", "Adatum Sales"),
    ("office@woodgrove.example", "Woodgrove Bank"),
    ("support@litware.example", "Litware Support"),
];

/// A message with nothing in it yet.
pub(super) fn message(
    world: &mut World,
    time: i64,
    (sender, sender_name): (impl Into<Text>, impl Into<Text>),
    recipient: usize,
    subject: impl Into<Text>,
) -> Message {
    Message {
        time,
        id: world.random.guid(),
        sender: sender.into(),
        sender_name: sender_name.into(),
        sender_account: None,
        sender_ip: Ipv4Addr::UNSPECIFIED,
        recipient: world.company.accounts[recipient].upn.clone().into(),
        recipient_account: Some(recipient),
        subject: subject.into(),
        delivery: Delivery::Inbox,
        threat: "",
        attachments: Vec::new(),
        links: Vec::new(),
        cluster: world.random.between(100_000_000, 4_000_000_000),
        authenticated: true,
    }
}

/// The mail of one person on one day, and what they click in it.
pub(super) fn letters(world: &mut World, session: &Session) {
    let count = world.random.between(7, 13);
    for _ in 0..count {
        let time = world.random.time(session.day + 7 * HOUR, session.end);
        let subject = world.random.pick(&SUBJECTS);
        let partner = world.random.pick(&PARTNERS);
        let colleague = PEOPLE + world.random.index(15);
        let mut letter = message(world, time, partner, session.account, subject);
        match world.random.below(10) {
            0..=3 if colleague != session.account => {
                let account = &world.company.accounts[colleague];
                letter.sender = account.upn.clone().into();
                letter.sender_name = account.display.clone().into();
                letter.sender_account = Some(colleague);
            }
            4 | 5 => {
                let account = &world.company.accounts[session.account];
                letter.recipient = letter.sender;
                letter.recipient_account = None;
                letter.sender = account.upn.clone().into();
                letter.sender_name = account.display.clone().into();
                letter.sender_account = Some(session.account);
                letter.delivery = Delivery::Sent;
            }
            _ => {
                let last = u8::try_from(world.random.between(1, 9)).unwrap_or(1);
                letter.sender_ip = Ipv4Addr::new(203, 0, 113, 120 + last);
            }
        }
        if world.random.chance(25) {
            let name =
                world
                    .random
                    .pick(&["Offer.pdf", "Invoice.pdf", "Order.xlsx", "Minutes.docx"]);
            let size = world.random.between(20_000, 700_000);
            let content = world.content(size);
            letter.attachments.push(Attachment {
                name: name.into(),
                content,
            });
        }
        if world.random.chance(55) {
            let host = world.random.pick(&HOSTS);
            let number = world.random.below(400);
            letter
                .links
                .push(format!("https://{host}/d/{number}").into());
        }
        if let (Some(link), true) = (letter.links.first(), letter.delivery == Delivery::Inbox)
            && world.random.chance(14)
        {
            let (url, message) = (link.clone(), letter.id.clone());
            let time = (time + HOUR).clamp(session.start, session.end);
            let address = world.company.address(session.device, time);
            let account = session.account;
            world.mail.clicks.push(Click {
                time,
                url,
                account,
                message,
                address,
                allowed: true,
            });
        }
        world.mail.messages.push(letter);
    }
}

/// Advertising every day, and a wave of fraud now and then.
pub(super) fn junk(world: &mut World, day: i64) {
    let count = world.random.between(8, 16);
    for _ in 0..count {
        let time = world.random.time(day, day + DAY);
        let recipient = PEOPLE + world.random.index(15);
        let sender = ("offers@bargains.example", "Bargains");
        let mut letter = message(world, time, sender, recipient, "Only today: printer ink");
        letter.sender_ip = Ipv4Addr::new(192, 0, 2, 150);
        letter.threat = "Spam";
        letter.delivery = Delivery::Junk;
        letter.authenticated = false;
        letter.links.push("https://bargains.example/ink".into());
        world.mail.messages.push(letter);
    }
    if !world.random.chance(14) {
        return;
    }
    let number = world.random.between(100, 999);
    let cluster = world.random.between(100_000_000, 4_000_000_000);
    let start = world.random.time(day + 6 * HOUR, day + 15 * HOUR);
    for place in 0..9 {
        let time = start + i64::try_from(place).unwrap_or(0) * 3 * SECOND;
        let sender = ("service@parcel-notice.example", "Parcel service");
        let recipient = PEOPLE + (place * 4) % 15;
        let subject = format!("Your parcel {number} is waiting");
        let mut letter = message(world, time, sender, recipient, subject);
        letter.cluster = cluster;
        letter.sender_ip = Ipv4Addr::new(192, 0, 2, 151);
        letter.authenticated = false;
        letter
            .links
            .push(format!("https://parcel-notice.example/track/{number}").into());
        if place < 7 {
            letter.threat = "Phish";
            letter.delivery = Delivery::Blocked;
        } else {
            world.mail.later.push(Removal {
                time: time + 50 * MINUTE,
                message: letter.id.clone(),
                recipient: letter.recipient.clone(),
                threat: "Phish",
                by_admin: false,
            });
            if place == 7 {
                let address = world.company.address(recipient - PEOPLE, time);
                world.mail.clicks.push(Click {
                    time: time + 20 * MINUTE,
                    url: letter.links[0].clone(),
                    account: recipient,
                    message: letter.id.clone(),
                    address,
                    allowed: false,
                });
            }
        }
        world.mail.messages.push(letter);
    }
    removal_alert(world, start + HOUR);
}

/// What tells the desk that messages were taken out of mailboxes.
fn removal_alert(world: &mut World, time: i64) {
    let Some(letter) = world.mail.messages.last() else {
        return;
    };
    let evidence = Evidence::Message {
        id: letter.id.clone(),
        subject: letter.subject.clone(),
        recipient: letter.recipient_account.unwrap_or(PEOPLE),
    };
    let id = format!("fa{}_1", world.random.hex(24));
    world.alerts.alerts.push(Alert {
        time,
        id,
        title: "Email messages removed after delivery",
        category: "InitialAccess",
        severity: "Informational",
        service: "Microsoft Defender for Office 365",
        detection: "Microsoft Defender for Office 365",
        techniques: "[\"Phishing (T1566)\"]",
        evidence: vec![evidence],
    });
}
