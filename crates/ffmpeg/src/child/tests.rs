//! Tests of child processes, with the shell in place of ffmpeg.

use std::{os::unix::process::CommandExt, time::Instant};

use super::*;

fn shell(script: &str) -> Child {
    shell_with(script, Stdio::null())
}

fn shell_with(script: &str, stdin: Stdio) -> Child {
    #[expect(clippy::disallowed_methods, reason = "a stand-in for ffmpeg")]
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).process_group(0);
    Child::spawn("testing", command, stdin).unwrap()
}

#[test]
fn dropping_a_child_ends_its_descendants_and_does_not_block() {
    let stubborn = "sleep 1000 & echo started; exec sleep 1000";
    // Models an encoder that has left the process group and still waits for input.
    let escaped = "exec 3<&0; setsid cat <&3 >/dev/null & echo started; exec sleep 1000";
    for script in [stubborn, escaped] {
        let (done_to, done) = std::sync::mpsc::sync_channel(1);
        thread::spawn(move || {
            let mut child = shell_with(script, Stdio::piped());
            child.take_stdout().unwrap().read_exact(&mut [0; 8]).unwrap();
            drop(child);
            let _ = done_to.send(());
        });
        assert!(done.recv_timeout(Duration::from_secs(20)).is_ok(), "the drop waits after {script}");
    }
    let killed = shell(stubborn);
    killed.kill_handle().kill();
    assert!(killed.wait().is_err());
}

fn is_alive(id: u32) -> bool {
    std::path::Path::new(&format!("/proc/{id}")).exists()
}

#[test]
fn only_the_tail_of_standard_error_is_kept_without_control_characters() {
    let child = shell("head -c 1000000 /dev/zero | tr '\\0' x >&2; printf '\\033[31mlast\\nwords\\r' >&2; exit 3");
    let Err(Error::Failed { stderr_tail, status, .. }) = child.wait() else { panic!("it did not fail") };
    assert_eq!(status.code(), Some(3));
    assert!(stderr_tail.len() <= STDERR_TAIL_BYTES, "{}", stderr_tail.len());
    assert!(stderr_tail.ends_with("x[31mlast\nwords"), "{stderr_tail:?}");
}

#[test]
fn a_dropped_child_is_killed_and_reaped() {
    let child = shell("exec sleep 1000");
    let id = child.shared.id();
    assert!(is_alive(id));
    drop(child);
    assert!(!is_alive(id), "a zombie would still be there");
}

#[test]
fn a_child_is_killed_after_its_timeout() {
    let began = Instant::now();
    let child = shell("exec sleep 1000");
    let id = child.shared.id();
    let ended = child.output(100, Duration::from_millis(50));
    assert!(matches!(ended, Err(Error::TimedOut { .. })), "{ended:?}");
    assert!(!is_alive(id) && began.elapsed() < Duration::from_secs(500));
}

#[test]
fn a_child_is_killed_when_its_output_exceeds_the_limit() {
    let ended = shell("exec cat /dev/zero").output(100_000, Duration::from_mins(5));
    assert!(matches!(ended, Err(Error::Io { .. })), "{ended:?}");
}

#[test]
fn a_full_disk_is_reported_although_the_exit_status_is_0() {
    let ended = shell("echo 'Error writing trailer: No space left on device' >&2").wait();
    assert!(matches!(ended, Err(Error::DiskFull)), "{ended:?}");
}

#[test]
fn a_read_only_file_system_is_not_the_clips_fault() {
    let ended = shell("echo 'webm-color.ivf: Read-only file system' >&2; exit 1").wait();
    assert!(matches!(ended.map_err(Error::of_reading), Err(Error::ReadOnly)));
}

#[test]
fn a_missing_program_is_not_the_clips_fault() {
    for script in
        ["exec /nowhere/ffmpeg", "exec /etc/passwd", "echo 'bwrap: execvp /nowhere: No such file' >&2; exit 1"]
    {
        let ended = shell(script).wait().map_err(Error::of_reading);
        assert!(matches!(ended, Err(Error::Unstartable { .. })), "{script}: {ended:?}");
    }
}

#[test]
fn the_oom_killer_prefers_a_child_over_this_process() {
    let read = |id: u32| -> i32 {
        std::fs::read_to_string(format!("/proc/{id}/oom_score_adj")).unwrap().trim().parse().unwrap()
    };
    let child = shell("exec sleep 1000");
    assert!(read(child.shared.id()) > read(std::process::id()));
}

#[test]
fn a_child_killed_or_not_started_for_lack_of_resources_is_not_the_clips_fault() {
    for script in ["kill -9 $$", "exit 137"] {
        assert!(matches!(shell(script).wait(), Err(Error::Killed { .. })), "{script}");
    }
    let message = "bwrap: Creating new namespace failed: Resource temporarily unavailable";
    for message in [message, "bwrap: Can't create pipe: Too many open files", "bwrap: No space left on device"] {
        let ended = shell(&format!("echo \"{message}\" >&2; exit 1")).wait();
        assert!(matches!(ended, Err(Error::Short { .. })), "{message}: {ended:?}");
    }
}

#[test]
fn a_child_that_exceeds_its_own_limits_is_the_clips_fault() {
    for (script, expected) in [
        ("kill -XCPU $$", MediaError::TooMuchWork),
        ("echo 'moov: Cannot allocate memory' >&2; exit 1", MediaError::TooMuchMemory),
    ] {
        let ended = shell(script).wait();
        assert!(matches!(&ended, Err(Error::Media(found)) if *found == expected), "{script}: {ended:?}");
    }
}

#[test]
fn a_kill_handle_ends_a_wait_in_another_thread() {
    let child = shell("exec sleep 1000");
    let handle = child.kill_handle();
    let waiting = thread::spawn(move || child.wait());
    handle.kill();
    assert!(matches!(waiting.join().unwrap(), Err(Error::Killed { .. })));
    handle.kill();
}

#[test]
fn a_child_is_visited_while_it_runs() {
    let mut child = shell_with("exec cat", Stdio::piped());
    let mut stdin = child.take_stdin();
    let mut visits = 0;
    let waited = child.wait_visiting(Duration::from_millis(1), || {
        visits += 1;
        if visits == 3 {
            stdin = None; // The child ends with its input.
        }
    });
    assert!(waited.is_ok() && stdin.is_none() && visits >= 3);
}
