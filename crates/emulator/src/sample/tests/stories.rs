//! The three intrusions as a hunter finds them; the first is the one the guide follows.

use std::collections::{BTreeMap, BTreeSet};

use super::{NOW, Sample, SampleOptions, at, frame::Frame, generate, sample};

const CLERK: &str = "ws-2122.contoso.com";
const DAY: u64 = 86_400;
const WEEK: i64 = 7 * 86_400_000_000_000;

fn frame<'a>(sample: &'a Sample, table: &str) -> Frame<'a> {
    Frame::new(&sample[table])
}

/// The steps of `docs/guides/first-hunt.md`, in its order.
#[expect(clippy::too_many_lines, reason = "one hunt from its start to its end")]
fn follow_the_invoice(sample: &Sample, now: u64) {
    let week_ago = i64::try_from(now).expect("seconds") * 1_000_000_000 - WEEK;

    // One alert of the week is more than low.
    let alerts = frame(sample, "AlertInfo");
    let medium = alerts.filter(|row| {
        alerts.text(row, "Severity") == "Medium" && alerts.time(row, "Timestamp") > week_ago
    });
    let titles: Vec<_> = medium
        .iter()
        .map(|&row| alerts.text(row, "Title"))
        .collect();
    assert_eq!(titles, ["Suspicious PowerShell command line"]);

    // Its evidence is a device, an account, a process.
    let evidence = frame(sample, "AlertEvidence");
    let rows = evidence.find(&[("AlertId", alerts.text(medium[0], "AlertId"))]);
    let kinds: Vec<_> = rows
        .iter()
        .map(|&row| evidence.text(row, "EntityType"))
        .collect();
    assert_eq!(kinds, ["Machine", "User", "Process"]);
    assert_eq!(
        evidence.texts(&rows, "DeviceName"),
        BTreeSet::from(["", CLERK])
    );
    let upns = evidence.texts(&rows, "AccountUpn");
    assert_eq!(upns, BTreeSet::from(["", "nina.brandt@contoso.com"]));

    // Encoded commands are usual for device management and not for Word.
    let processes = frame(sample, "DeviceProcessEvents");
    let encoded = processes.filter(|row| {
        processes.text(row, "FileName") == "powershell.exe"
            && processes
                .text(row, "ProcessCommandLine")
                .to_lowercase()
                .contains("-enc")
    });
    let mut parents: BTreeMap<_, usize> = BTreeMap::new();
    for &row in &encoded {
        let parent = processes.text(row, "InitiatingProcessFileName");
        *parents
            .entry((parent, processes.text(row, "AccountName")))
            .or_default() += 1;
    }
    assert_eq!(parents.remove(&("WINWORD.EXE", "nina.brandt")), Some(1));
    assert!(parents.remove(&("AgentExecutor.exe", "system")) > Some(100));
    assert_eq!(parents, BTreeMap::new());

    // Word was opened from Outlook with a document.
    let from_word = processes.find(&[
        ("FileName", "powershell.exe"),
        ("InitiatingProcessFileName", "WINWORD.EXE"),
    ]);
    let [shell] = from_word[..] else {
        panic!("one shell from Word: {from_word:?}")
    };
    assert_eq!(processes.text(shell, "DeviceName"), CLERK);
    assert_eq!(
        processes.text(shell, "InitiatingProcessParentFileName"),
        "OUTLOOK.EXE"
    );
    let opened = processes.text(shell, "InitiatingProcessCommandLine");
    assert!(opened.contains("Invoice_88213.docm"), "{opened}");

    // Six people got it, one of them opened it.
    let attachments = frame(sample, "EmailAttachmentInfo");
    let sent = attachments.find(&[("FileName", "Invoice_88213.docm")]);
    let mail = frame(sample, "EmailEvents");
    let ids = attachments.texts(&sent, "NetworkMessageId");
    let messages = mail.filter(|row| ids.contains(mail.text(row, "NetworkMessageId")));
    assert_eq!((sent.len(), messages.len()), (6, 6));
    let mut actions: BTreeMap<_, usize> = BTreeMap::new();
    for &row in &messages {
        *actions.entry(mail.text(row, "DeliveryAction")).or_default() += 1;
    }
    assert_eq!(
        actions,
        BTreeMap::from([("Blocked", 1), ("Delivered", 4), ("Junked", 1)])
    );
    let senders = mail.texts(&messages, "SenderFromAddress");
    assert_eq!(
        senders,
        BTreeSet::from(["billing@fabrikam-billing.example"])
    );
    let hashes = attachments.texts(&sent, "SHA256");
    let files = frame(sample, "DeviceFileEvents");
    let saved = files.filter(|row| hashes.contains(files.text(row, "SHA256")));
    assert_eq!(files.texts(&saved, "DeviceName"), BTreeSet::from([CLERK]));
    assert_eq!((hashes.len(), saved.len()), (1, 1));
    assert_eq!(
        files.text(saved[0], "InitiatingProcessFileName"),
        "OUTLOOK.EXE"
    );

    // The shell fetched a program.
    let network = frame(sample, "DeviceNetworkEvents");
    let fetched = network.find(&[
        ("DeviceName", CLERK),
        ("InitiatingProcessFileName", "powershell.exe"),
        ("RemoteIPType", "Public"),
    ]);
    let urls: Vec<_> = fetched
        .iter()
        .map(|&row| network.text(row, "RemoteUrl"))
        .collect();
    assert_eq!(urls, ["cdn.fabrikam-billing.example"]);
    let written = files.filter(|row| {
        files.text(row, "DeviceName") == CLERK
            && files.text(row, "InitiatingProcessFileName") == "powershell.exe"
            && files
                .text(row, "FileOriginUrl")
                .contains("fabrikam-billing")
    });
    assert_eq!(
        files.texts(&written, "FileName"),
        BTreeSet::from(["invsync.exe"])
    );

    // The program looked around.
    let children = processes.filter(|row| {
        processes.text(row, "DeviceName") == CLERK
            && ["invsync.exe", "cmd.exe"]
                .contains(&processes.text(row, "InitiatingProcessFileName"))
    });
    assert_eq!(children.len(), 13);
    let names = processes.texts(&children, "FileName");
    let expected = [
        "cmd.exe",
        "ipconfig.exe",
        "net.exe",
        "nltest.exe",
        "schtasks.exe",
        "tasklist.exe",
        "whoami.exe",
    ];
    assert_eq!(names, BTreeSet::from(expected));

    // It calls home, later from a second device too.
    let calls = network.find(&[("RemoteUrl", "sync.fabrikam-billing.example")]);
    let callers: BTreeSet<_> = calls
        .iter()
        .map(|&row| {
            (
                network.text(row, "DeviceName"),
                network.text(row, "InitiatingProcessFileName"),
            )
        })
        .collect();
    assert_eq!(
        callers,
        BTreeSet::from([(CLERK, "invsync.exe"), ("file01.contoso.com", "invsvc.exe")])
    );
    assert!(calls.len() > 60, "{} calls", calls.len());

    // It starts with the session; its value is the rare one.
    let registry = frame(sample, "DeviceRegistryEvents");
    let run = registry.filter(|row| {
        let key = registry.text(row, "RegistryKey");
        key.split(|letter: char| !letter.is_alphanumeric())
            .any(|term| term == "Run")
    });
    let values = registry.texts(&run, "RegistryValueName");
    assert_eq!(values, BTreeSet::from(["InvoiceSync", "OneDrive"]));

    // It opened lsass with every right.
    let events = frame(sample, "DeviceEvents");
    let opened = events.find(&[
        ("ActionType", "OpenProcessApiCall"),
        ("FileName", "lsass.exe"),
    ]);
    let access: BTreeSet<_> = opened
        .iter()
        .map(|&row| {
            (
                events.text(row, "InitiatingProcessFileName"),
                events.text(row, "AdditionalFields"),
            )
        })
        .collect();
    let expected = [
        ("WmiPrvSE.exe", "{\"DesiredAccess\":\"0x1410\"}"),
        ("invsync.exe", "{\"DesiredAccess\":\"0x1FFFFF\"}"),
    ];
    assert_eq!(access, BTreeSet::from(expected));

    // An administrator had been there; the account then came from there.
    let logons = frame(sample, "DeviceLogonEvents");
    let remote = logons.find(&[("DeviceName", CLERK), ("LogonType", "RemoteInteractive")]);
    assert_eq!(
        logons.texts(&remote, "AccountName"),
        BTreeSet::from(["adm-oskar"])
    );
    let moved = logons.find(&[
        ("RemoteDeviceName", "ws-2122"),
        ("AccountName", "adm-oskar"),
    ]);
    assert_eq!(moved.len(), 1);
    assert_eq!(logons.text(moved[0], "DeviceName"), "file01.contoso.com");
    assert_eq!(logons.text(moved[0], "Protocol"), "NTLM");
    assert!(logons.bool(moved[0], "IsLocalAdmin"));

    // The same program is on the server under another name.
    let program = files.texts(&written, "SHA1");
    let copies = files.filter(|row| program.contains(files.text(row, "SHA1")));
    let copy = copies
        .iter()
        .find(|&&row| files.text(row, "DeviceName") == "file01.contoso.com");
    let copy = *copy.expect("a copy on the server");
    assert_eq!(copies.len(), 2);
    assert_eq!(files.text(copy, "RequestAccountName"), "adm-oskar");
    assert_eq!(
        files.text(copy, "RequestSourceIP"),
        logons.text(moved[0], "RemoteIP")
    );
    assert_eq!(files.text(copy, "FolderPath"), r"C:\Windows\invsvc.exe");
    let service = processes.find(&[("InitiatingProcessFileName", "invsvc.exe")]);
    assert_eq!(
        processes.texts(&service, "FileName"),
        BTreeSet::from(["cmd.exe", "tar.exe"])
    );
    assert_eq!(service.len(), 2);

    // Three more had it in their inbox until it was taken out.
    let later = frame(sample, "EmailPostDeliveryEvents");
    let removed = later.filter(|row| ids.contains(later.text(row, "NetworkMessageId")));
    assert_eq!(removed.len(), 3);

    // Usual things are usual: on every workstation.
    let managed = processes.filter(|row| {
        processes.text(row, "InitiatingProcessFileName") == "AgentExecutor.exe"
            && processes.text(row, "FileName") == "powershell.exe"
    });
    assert_eq!(processes.texts(&managed, "DeviceName").len(), 15);
    let narrow = events.find(&[("InitiatingProcessFileName", "WmiPrvSE.exe")]);
    assert_eq!(events.texts(&narrow, "DeviceName").len(), 15);
    let value = registry.find(&[("RegistryValueName", "OneDrive")]);
    assert!(registry.texts(&value, "DeviceName").len() > 3);

    // The administrator had come from the workstation of the support, once.
    assert_eq!(remote.len(), 1);
    assert_eq!(logons.text(remote[0], "RemoteDeviceName"), "ws-2136");

    // The calls come about six times in an hour for a day.
    let mut hours: BTreeMap<i64, usize> = BTreeMap::new();
    for &row in &calls {
        if network.text(row, "DeviceName") == CLERK {
            *hours
                .entry(network.time(row, "Timestamp") / 3_600_000_000_000)
                .or_default() += 1;
        }
    }
    assert!((22..=26).contains(&hours.len()), "{} hours", hours.len());
    let inner: Vec<usize> = hours.into_values().skip(1).collect();
    let whole = &inner[..inner.len() - 1];
    assert!(
        whole.iter().all(|calls| (5..=7).contains(calls)),
        "{whole:?}"
    );

    // Everything lies within the last seven days.
    for (frame, rows) in [
        (&processes, &from_word),
        (&files, &copies),
        (&network, &calls),
        (&events, &opened),
        (&logons, &moved),
    ] {
        let story = rows.iter().filter(|&&row| {
            !frame
                .text(row, "InitiatingProcessFileName")
                .starts_with("Wmi")
        });
        for &row in story {
            assert!(frame.time(row, "Timestamp") > week_ago);
        }
    }
}

#[test]
fn the_guide_names_tables_and_columns_that_exist() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/guides/first-hunt.md"
    );
    let guide = std::fs::read_to_string(path).expect("the guide");
    let sample = sample();
    let mut tables = BTreeSet::new();
    for (number, block) in guide
        .split("```")
        .enumerate()
        // The other blocks are what the queries printed.
        .filter(|(number, block)| number % 2 == 1 && !block.starts_with("text"))
    {
        let query = block
            .split('\'')
            .nth(1)
            .unwrap_or_else(|| panic!("block {number}"));
        // What is in quotes is data.
        let code: String = query.split('"').step_by(2).collect();
        let words: Vec<&str> = code
            .split(|letter: char| !letter.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let named: Vec<_> = words
            .iter()
            .filter(|word| sample.contains_key(**word))
            .collect();
        assert!(!named.is_empty(), "no table in {query}");
        tables.extend(named.iter().map(|word| (**word).to_owned()));
        let made: BTreeSet<&str> = words
            .windows(2)
            .filter(|pair| code.contains(&format!("{} = ", pair[0])))
            .map(|pair| pair[0])
            .collect();
        for word in words
            .iter()
            .filter(|word| word.starts_with(char::is_uppercase))
        {
            let is_column = named
                .iter()
                .any(|table| Frame::new(&sample[**table]).has(word));
            let is_known = is_column || sample.contains_key(*word) || made.contains(word);
            assert!(is_known, "{word} in {query}");
        }
    }
    assert_eq!(tables.len(), 11, "{tables:?}");
}

#[test]
fn the_invoice_can_be_followed() {
    follow_the_invoice(sample(), NOW);
}

#[test]
fn the_invoice_can_be_followed_whatever_day_it_is() {
    for day in 1..7 {
        // At midnight of one day, just before it on the next.
        let now = (NOW - NOW % DAY) + day * DAY - day % 2;
        follow_the_invoice(
            &generate(&SampleOptions {
                seed: 40 + day,
                now: at(now),
            }),
            now,
        );
    }
}

#[test]
fn the_consent_can_be_followed() {
    let sample = sample();
    let account = "sofia.pellegra@contoso.com";

    // One consent leads to an app without a publisher that may read mail.
    let apps = frame(sample, "OAuthAppInfo");
    let odd = apps.filter(|row| {
        apps.text(row, "VerifiedPublisher") == "{}"
            && apps.text(row, "Permissions").contains("Mail.ReadWrite")
    });
    assert_eq!(
        apps.texts(&odd, "AppName"),
        BTreeSet::from(["Mail Backup Assistant"])
    );
    let id = apps.text(odd[0], "OAuthAppId");
    let cloud = frame(sample, "CloudAppEvents");
    let consent = cloud.filter(|row| {
        cloud.text(row, "ActionType") == "Consent to application."
            && cloud.text(row, "RawEventData").contains(id)
    });
    let [consent] = consent[..] else {
        panic!("one consent: {consent:?}")
    };
    assert_eq!(cloud.text(consent, "AccountId"), account);
    assert_eq!(
        cloud.time(consent, "Timestamp"),
        apps.time(odd[0], "AddedOnTime")
    );

    // Before it there was a click in a mail.
    let clicks = frame(sample, "UrlClickEvents");
    let lured = clicks.filter(|row| clicks.text(row, "Url").contains("northwind-share"));
    assert_eq!(lured.len(), 1);
    assert_eq!(clicks.text(lured[0], "AccountUpn"), account);
    assert!(clicks.time(lured[0], "Timestamp") < cloud.time(consent, "Timestamp"));
    let mail = frame(sample, "EmailEvents");
    let letter = mail.find(&[(
        "NetworkMessageId",
        clicks.text(lured[0], "NetworkMessageId"),
    )]);
    assert_eq!(
        mail.text(letter[0], "SenderFromAddress"),
        "share@northwind-share.example"
    );

    // One session is in two countries.
    let sign_ins = frame(sample, "EntraIdSignInEvents");
    let mut countries: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for row in 0..sign_ins.rows() {
        let session = sign_ins.text(row, "SessionId");
        countries
            .entry(session)
            .or_default()
            .insert(sign_ins.text(row, "Country"));
    }
    let torn: Vec<_> = countries
        .iter()
        .filter(|(_, in_it)| in_it.contains("IS"))
        .collect();
    assert_eq!(torn.len(), 1);
    assert_eq!(torn[0].1, &BTreeSet::from(["IE", "IS"]));
    let abroad = sign_ins.find(&[("Country", "IS")]);
    assert_eq!(
        sign_ins.texts(&abroad, "AccountUpn"),
        BTreeSet::from([account])
    );
    assert_eq!(
        sign_ins.texts(&abroad, "ApplicationId"),
        BTreeSet::from([id])
    );

    // From there somebody hid mail and took files.
    let address = sign_ins.text(abroad[0], "IPAddress");
    let rules = cloud.find(&[("ActionType", "New-InboxRule"), ("IPAddress", address)]);
    assert_eq!(rules.len(), 1);
    assert!(
        cloud
            .text(rules[0], "RawEventData")
            .contains("invoice;payment;iban")
    );
    let taken = cloud.find(&[("ActionType", "FileDownloaded"), ("IPAddress", address)]);
    assert_eq!(taken.len(), 340);
    let span = cloud.time(taken[339], "Timestamp") - cloud.time(taken[0], "Timestamp");
    assert!(span < 3_600_000_000_000, "within an hour: {span}");
}

#[test]
fn the_web_shell_can_be_followed() {
    let sample = sample();
    let server = "web01.contoso.com";

    // One critical flaw with an exploit, on one device, which faces the internet.
    let knowledge = frame(sample, "DeviceTvmSoftwareVulnerabilitiesKB");
    let exploitable = knowledge.filter(|row| {
        knowledge.bool(row, "IsExploitAvailable")
            && knowledge.text(row, "VulnerabilitySeverityLevel") == "Critical"
    });
    let flaws = knowledge.texts(&exploitable, "CveId");
    let found = frame(sample, "DeviceTvmSoftwareVulnerabilities");
    let on = found.filter(|row| flaws.contains(found.text(row, "CveId")));
    assert_eq!(found.texts(&on, "DeviceName"), BTreeSet::from([server]));
    let devices = frame(sample, "DeviceInfo");
    let facing = devices.filter(|row| devices.bool(row, "IsInternetFacing"));
    assert_eq!(
        devices.texts(&facing, "DeviceName"),
        BTreeSet::from([server])
    );

    // The worker of the web server wrote a page, and then ran commands.
    let files = frame(sample, "DeviceFileEvents");
    let pages = files.filter(|row| {
        files.text(row, "InitiatingProcessFileName") == "w3wp.exe"
            && files.text(row, "FileName").contains(".aspx")
    });
    let [page] = pages[..] else {
        panic!("one page: {pages:?}")
    };
    assert_eq!(files.text(page, "FileName"), "help.aspx");
    let processes = frame(sample, "DeviceProcessEvents");
    let commands = processes.find(&[
        ("InitiatingProcessFileName", "w3wp.exe"),
        ("FileName", "cmd.exe"),
    ]);
    assert_eq!(commands.len(), 10);
    for row in commands {
        assert!(processes.time(row, "Timestamp") > files.time(page, "Timestamp"));
        assert_eq!(processes.text(row, "AccountName"), "formspool");
    }

    // Somebody new had asked for it just before.
    let network = frame(sample, "DeviceNetworkEvents");
    let before = network.filter(|row| {
        let lead = files.time(page, "Timestamp") - network.time(row, "Timestamp");
        network.text(row, "DeviceName") == server
            && network.text(row, "ActionType") == "InboundConnectionAccepted"
            && (0..600_000_000_000).contains(&lead)
    });
    assert!(network.texts(&before, "RemoteIP").contains("192.0.2.145"));

    // Long names under one zone, then an upload.
    let events = frame(sample, "DeviceEvents");
    let tunnel = events.filter(|row| {
        events.text(row, "ActionType") == "DnsQueryResponse"
            && events
                .text(row, "AdditionalFields")
                .contains(".t.litware-cdn.example")
    });
    assert_eq!(tunnel.len(), 260);
    assert_eq!(
        events.texts(&tunnel, "AdditionalFields").len(),
        260,
        "every name is new"
    );
    assert_eq!(
        events.texts(&tunnel, "InitiatingProcessFileName"),
        BTreeSet::from(["powershell.exe"])
    );
    let upload = network.find(&[("InitiatingProcessFileName", "curl.exe")]);
    assert_eq!(
        network.texts(&upload, "RemoteUrl"),
        BTreeSet::from(["files.litware-cdn.example"])
    );

    // A week later a scan found the page.
    let alerts = frame(sample, "AlertInfo");
    let late = alerts.find(&[("Title", "Possible web shell installation")]);
    let delay = alerts.time(late[0], "Timestamp") - files.time(page, "Timestamp");
    assert!(delay > 5 * 86_400_000_000_000, "{delay}");
    let evidence = frame(sample, "AlertEvidence");
    let rows = evidence.find(&[("SHA1", files.text(page, "SHA1"))]);
    assert_eq!(rows.len(), 1);
}
