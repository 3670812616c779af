//! What is wrong with a database or a store is named by every command that uses it, in one sentence
//! and what to do, and nothing is made before it is known. Against real servers that are set so.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    media::command,
    site::{Site, ask_store, assert_refused},
};

/// The commands that need a database that works.
const ALL: [&[&str]; 8] = [
    &["serve"],
    &["work"],
    &["gc"],
    &["gc", "--dry-run"],
    &["keys", "list"],
    &["keys", "create"],
    &["db", "check"],
    &["db", "migrate"],
];

/// Runs a command that fails, and checks that it says so in two lines: the fault, and what to do.
#[track_caller]
fn assert_named(output: &Output, words: &[&str]) {
    assert_refused(output, if words.contains(&"INVALID_REQUEST") { 2 } else { 1 }, words);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[test]
fn a_wrong_or_missing_password_is_named() {
    let site = Site::new();
    let guarded = site.database.replace("postgres@", "guarded@");
    for arguments in ALL {
        let mut wrong = site.command(arguments);
        wrong.env("CLEARCUT_DATABASE", &guarded).env("PGPASSWORD", "secret-word");
        let words = ["as user guarded: the password is wrong or missing (DATABASE_REFUSED)", "Set PGPASSWORD"];
        assert_named(&wrong.output().unwrap(), &words);
    }
    let mut missing = site.command(&["serve"]);
    missing.env("CLEARCUT_DATABASE", &guarded);
    assert_named(&missing.output().unwrap(), &["the password is wrong or missing"]);
    let mut right = site.command(&["db", "status"]);
    right.env("CLEARCUT_DATABASE", &guarded).env("PGPASSWORD", "open sesame");
    assert!(right.output().unwrap().status.success());
}

#[test]
fn a_missing_right_in_the_database_is_named_and_nothing_is_made() {
    let site = Site::new();
    let user = format!("user_of_{}", site.name);
    site.sql(&format!("REVOKE CREATE ON SCHEMA public FROM PUBLIC; CREATE ROLE {user} LOGIN"));
    let as_user = site.database.replace("postgres@", &format!("{user}@"));
    let run = |arguments: &[&str]| site.command(arguments).env("CLEARCUT_DATABASE", &as_user).output().unwrap();
    let words = ["the user may not create tables", "DATABASE_REFUSED", "ALTER DATABASE NAME OWNER"];
    for arguments in [&["serve"][..], &["work"], &["keys", "create"], &["db", "migrate"]] {
        assert_named(&run(arguments), &words);
    }
    assert_eq!((site.tables(), site.objects()), (0, Vec::new()));
    site.printed(&["db", "migrate"]);
    // The tables of another user can be neither read nor written.
    for arguments in ALL {
        assert_named(&run(arguments), &words);
    }
    site.sql(&format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}"));
    for arguments in [&["serve"][..], &["work"], &["db", "check"]] {
        assert_named(&run(arguments), &words);
    }
    site.sql(&format!("DROP OWNED BY {user}; DROP ROLE {user}"));
}

#[test]
fn a_missing_right_to_delete_is_named_and_leaves_nothing() {
    let mut site = Site::new();
    let bucket = site.name.replace('_', "-");
    site.printed(&["db", "migrate"]);
    site.store = format!("s3://{bucket}");
    let policy = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Deny", "Principal": "*", "Action": ["s3:DeleteObject"], "Resource": ["arn:aws:s3:::{bucket}/*"]}}]}}"#
    );
    ask_store("PUT", &bucket, "");
    ask_store("PUT", &format!("{bucket}?policy="), &policy);
    let run = |arguments: &[&str]| {
        // The test's store denies a request for one object, and lets the one for several pass.
        site.command(arguments).env("AWS_DISABLE_BULK_DELETE", "true").output().unwrap()
    };
    let words = ["the key may not delete objects in the bucket (STORE_REFUSED)", "s3:DeleteObject"];
    for arguments in [&["serve"][..], &["work"], &["gc"], &["gc", "--dry-run"]] {
        assert_named(&run(arguments), &words);
    }
    assert_refused(&run(&["db", "check"]), 1, &words);
    let doctor = ["doctor", "--store", &site.store];
    let doctor = doctor_command(&site, &doctor).env("AWS_DISABLE_BULK_DELETE", "true").output().unwrap();
    assert_named(&doctor, &words);
    assert_eq!(site.objects(), Vec::<String>::new());
    assert_eq!(site.sql("SELECT count(*) FROM secrets"), "0");
}

#[test]
fn a_clock_that_breaks_signatures_is_named_and_nothing_is_made() {
    let site = Site::new();
    // The clock of the process is an hour fast.
    let library = site.folder.path().join("faults.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/server/faults.c");
    let built = command("cc").args(["-shared", "-fPIC", "-O1", "-o"]).args([&library, &source]).arg("-ldl").status();
    assert!(built.unwrap().success());
    let control = site.folder.path().join("control");
    // `struct control` begins with 64-bit numbers, the third of which is the shift in seconds.
    let mut numbers = vec![0; 1 << 18];
    numbers[16..24].copy_from_slice(&3600_i64.to_ne_bytes());
    fs::write(&control, numbers).unwrap();
    let run = |mut command: Command| command.env("LD_PRELOAD", &library).env("CLEARCUT_FAULTS", &control).output();
    let words = ["the clocks of this machine and of the store differ too much (STORE_REFUSED)", "NTP"];
    for arguments in [&["serve"][..], &["work"], &["keys", "create"], &["db", "migrate"]] {
        assert_named(&run(site.command(arguments)).unwrap(), &words);
    }
    assert_named(&run(doctor_command(&site, &["doctor", "--store", &site.store])).unwrap(), &words);
    assert_eq!((site.tables(), site.objects()), (0, Vec::new()));
}

#[test]
fn a_service_that_does_not_answer_is_named_in_time() {
    // The system takes connections for it, and nobody answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap();
    let database = format!("postgres://ann:secret-word@{silent}/cut");
    let (no_database, no_store) = (("CLEARCUT_DATABASE", database), ("AWS_ENDPOINT_URL", format!("http://{silent}")));
    let began = Instant::now();
    let running: Vec<_> = [
        (&["serve"][..], &no_database, "the server cannot be reached (DATABASE_UNAVAILABLE)"),
        (&["keys", "list"], &no_database, "the server cannot be reached (DATABASE_UNAVAILABLE)"),
        (&["serve"], &no_store, "the store cannot be reached (STORAGE_UNAVAILABLE)"),
        (&["db", "migrate"], &no_store, "the store cannot be reached (STORAGE_UNAVAILABLE)"),
    ]
    .into_iter()
    .map(|(arguments, (name, value), text)| {
        let site = Site::new();
        let mut command = site.command(arguments);
        let process = command.env(name, value).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        (site, process, text)
    })
    .collect();
    for (site, process, text) in running {
        assert_named(&process.wait_with_output().unwrap(), &[text]);
        assert_eq!(site.tables(), 0);
    }
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[test]
fn a_server_of_another_kind_is_named() {
    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = web.local_addr().unwrap();
    thread::spawn(move || {
        for mut client in web.incoming().flatten() {
            let _ = client.read(&mut [0; 8192]);
            let _ = client.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        }
    });
    let site = Site::new();
    let mut no_database = site.command(&["serve"]);
    no_database.env("CLEARCUT_DATABASE", format!("postgres://ann:secret-word@{address}/cut"));
    let words = ["what answers there is no PostgreSQL server (DATABASE_UNAVAILABLE)", "CLEARCUT_DATABASE"];
    assert_named(&no_database.output().unwrap(), &words);
    let mut no_store = site.command(&["serve"]);
    no_store.env("AWS_ENDPOINT_URL", format!("http://{address}"));
    let words = ["what answers at its address is no S3-compatible store (STORAGE_UNAVAILABLE)", "AWS_ENDPOINT_URL"];
    assert_named(&no_store.output().unwrap(), &words);
}

#[test]
fn an_empty_database_stays_empty_beside_the_store_of_another() {
    let owner = Site::new();
    drop(owner.serve());
    let mut site = Site::new();
    site.store.clone_from(&owner.store);
    for arguments in [&["serve"][..], &["work"], &["keys", "create"], &["db", "migrate"]] {
        let refused = site.command(arguments).output().unwrap();
        assert_named(&refused, &["the store belongs to another database than this one (STORE_MISMATCH)", "store-id"]);
    }
    let words = ["the database has no tables of this program yet (OLD_SCHEMA)", "clearcut db migrate"];
    for arguments in [&["gc"][..], &["gc", "--dry-run"], &["keys", "list"], &["keys", "revoke", "1"], &["db", "check"]]
    {
        assert_named(&site.command(arguments).output().unwrap(), &words);
    }
    assert!(site.printed(&["db", "status"]).contains("Schema:   none yet; clearcut db migrate makes it"));
    assert_eq!(site.tables(), 0);
    // The same for a database in a file.
    let mut alone = site.command(&["serve"]);
    let refused = alone.env_remove("CLEARCUT_DATABASE").output().unwrap();
    assert_named(&refused, &["the store belongs to another database than this one (STORE_MISMATCH)"]);
    let made = |name: &str| -> PathBuf { site.folder.path().join(name) };
    assert!(!made("clearcut.db").exists() && !made("store-id").exists());
}

#[test]
fn the_tables_of_another_program_are_left_alone() {
    let site = Site::new();
    site.sql("CREATE TABLE jobs (name TEXT); INSERT INTO jobs VALUES ('theirs')");
    for arguments in [&["serve"][..], &["keys", "create"], &["db", "migrate"]] {
        let refused = site.command(arguments).output().unwrap();
        assert_named(&refused, &["the database belongs to another program (DATABASE_REFUSED)", "createdb NAME"]);
    }
    assert_eq!((site.tables(), site.sql("SELECT name FROM jobs")), (1, "theirs".to_owned()));
    assert_eq!(site.objects(), Vec::<String>::new());
}

#[test]
fn a_malformed_address_is_a_usage_error_that_says_what_is_allowed() {
    let site = Site::new();
    let key = "/secret-word@bucket";
    for (name, value, allowed) in [
        ("CLEARCUT_STORE", "s3://", "s3://bucket/prefix"),
        ("CLEARCUT_STORE", "s3:///x", "3 to 63 lower-case letters"),
        ("CLEARCUT_STORE", "s3://My_Bucket", "3 to 63 lower-case letters"),
        ("CLEARCUT_STORE", "s3://bucket/a/../b", "no part is . or .."),
        ("CLEARCUT_STORE", "s3://bucket/a//b", "between single slashes"),
        ("CLEARCUT_STORE", "s3://bucket?region=x", "has a query"),
        ("CLEARCUT_STORE", &format!("s3://bucket{key}"), "letters, digits and"),
        ("AWS_ALLOW_HTTP", "maybe", "AWS_ALLOW_HTTP must be true or false"),
        ("AWS_ENDPOINT_URL", "nowhere", "AWS_ENDPOINT_URL must be an address like https://"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1/path", "without user, path or query"),
        ("AWS_ENDPOINT_URL", &format!("http://127.0.0.1:1/?key={key}"), "without user, path or query"),
        ("AWS_SECRET_ACCESS_KEY", "", "AWS_SECRET_ACCESS_KEY must be set"),
        ("CLEARCUT_DATABASE", "postgres://ann:secret-word@db:port/cut", "from 1 to 65535"),
        ("CLEARCUT_DATABASE", "postgres://ann:secret-word%zz@db/cut", "%25"),
        ("CLEARCUT_DATABASE", "postgres://ann@db/cut?connect_timeout=secret-word", "application_name, dbname"),
        ("CLEARCUT_DATABASE", "postgres://ann@db/cut?sslmode=on", "verify-full"),
    ] {
        let refused = site.command(&["serve"]).env(name, value).output().unwrap();
        assert_named(&refused, &[allowed, "INVALID_REQUEST"]);
    }
    for origin in ["cut.example.com", "https://cut.example.com/page", "*"] {
        let doctor = ["doctor", "--store", &site.store, "--origin", origin];
        let refused = doctor_command(&site, &doctor).output().unwrap();
        assert_named(&refused, &["the origin must be like https://cut.example.com", "INVALID_REQUEST"]);
    }
    assert_eq!(site.tables(), 0);
}

/// `clearcut doctor`, which has no data folder, with the variables of the site.
fn doctor_command(site: &Site, arguments: &[&str]) -> Command {
    let mut doctor = command(env!("CARGO_BIN_EXE_clearcut"));
    doctor.args(arguments);
    for (name, value) in site.command(&[]).get_envs() {
        value.map(|value| doctor.env(name, value));
    }
    doctor
}
