//! `-o` and what is no file; lists of one tenant.

use crate::command::{Folder, Ran};
use crate::service;

const DEMO: [&str; 6] = ["query", "print A=1", "--demo", "--format", "csv", "-o"];

#[cfg(unix)]
#[test]
fn a_pipe_is_written_into_and_stays_one() {
    use std::os::unix::fs::FileTypeExt as _;
    use std::process::Command;

    let folder = Folder::new();
    let pipe = folder.work().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    for overwrite in [&[] as &[&str], &["--overwrite"]] {
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::read_to_string(pipe).unwrap()
        });
        let ran = folder.run(&[&DEMO, &["pipe"] as &[&str], overwrite].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(reader.join().unwrap(), "A\n1\n");
        let there = std::fs::symlink_metadata(&pipe).unwrap();
        assert!(there.file_type().is_fifo());
    }
}

#[cfg(unix)]
#[test]
fn standard_output_goes_by_its_name_too() {
    let folder = Folder::new();
    for name in ["/dev/stdout", "/dev/fd/1"] {
        let ran = folder.run(&[&DEMO, &[name, "--overwrite"] as &[&str]].concat());
        assert_eq!(
            (ran.code, ran.text().as_str()),
            (0, "A\n1\n"),
            "{}",
            ran.stderr
        );
    }
    // Where it leads into a file, the file goes on.
    folder.write("log", "before\n");
    let log = std::fs::OpenOptions::new()
        .append(true)
        .open(folder.work().join("log"))
        .unwrap();
    let arguments = [&DEMO, &["/dev/stdout", "--overwrite"] as &[&str]].concat();
    let status = folder.command(&arguments).stdout(log).status().unwrap();
    assert!(status.success());
    let log = std::fs::read_to_string(folder.work().join("log")).unwrap();
    assert_eq!(log, "before\nA\n1\n");
}

#[test]
fn rows_of_a_list_say_whose_they_are_whatever_its_length() {
    let running = service::start(service::options());
    let folder = Folder::of(&running);
    let run = |arguments: &str| -> Ran {
        let arguments = format!("query Names --format csv --retries 0 {arguments}");
        folder.run(&arguments.split(' ').collect::<Vec<_>>())
    };
    let plain = run("--instance Fabrikam");
    assert_eq!(plain.code, 0, "{}", plain.stderr);
    let rows: Vec<String> = plain.text().lines().map(str::to_owned).collect();
    assert!(!rows[0].contains("Tenant"), "{}", rows[0]);
    let told = |tenant: &str, instance: &str| -> String {
        let lines = rows.iter().enumerate().map(|(index, row)| match index {
            0 => format!("Tenant,Instance,{row}\n"),
            _ => format!("{tenant},{instance},{row}\n"),
        });
        lines.collect()
    };
    let tenant = "55555555-5555-5555-5555-555555555555";
    for (file, name) in [
        (format!("tenant,name\n{tenant},Fab\n"), "Fab"),
        (format!("{tenant}\n"), "Fabrikam"),
    ] {
        folder.write("one.csv", &file);
        let ran = run("--instance Fabrikam --tenants one.csv");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(ran.text(), told(tenant, name));
    }
    let settings = service::settings(&running);
    let other = settings.find("  MicrosoftDefender-").unwrap();
    folder.write("msticpyconfig.yaml", &settings[..other]);
    let ran = run("--all-instances");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.text().starts_with("Tenant,Instance,"), "{}", ran.text());
}
