//! The daemon that gobuild starts itself where no builder answers.

use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::harness::image::Image;
use crate::harness::program::Gobuild;
use crate::harness::sandbox::Sandbox;

/// A sandbox whose managed daemon is stopped with it.
struct Owner(Sandbox);

impl Owner {
    fn gobuild(&self) -> Gobuild {
        self.0.gobuild().without("BUILDKIT_HOST")
    }

    fn builder(&self, action: &str) -> String {
        self.gobuild().args(["builder", action]).succeeds().stdout
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // A test that failed must not leave a daemon behind; a second failure would hide the first.
        let _ = self.gobuild().args(["builder", "stop"]).run();
    }
}

#[test]
fn it_starts_when_no_builder_answers_and_stays() {
    if Path::new("/run/buildkit/buildkitd.sock").exists() {
        panic!("a buildkitd of the system's would be used in place of the managed one");
    }
    let owner = Owner(Sandbox::minimal("managed"));
    assert!(owner.builder("status").contains("state:   stopped"));

    let archive = owner.0.out("image.tar");
    let run = owner
        .gobuild()
        .args(["image", "--progress", "plain"])
        .output("oci", &archive)
        .succeeds();
    let run = run.says(&["managed builder"]);
    assert_eq!(
        Image::new(archive.display()).run_default(),
        "managed\n",
        "{run}"
    );

    let status = owner.builder("status");
    assert!(status.contains("state:   running"), "{status}");
    assert!(
        status.contains(&format!("unix://{}", owner.0.home().display())),
        "{status}"
    );

    let start = owner.gobuild().args(["builder", "start"]).succeeds();
    let start = start.says(&["already running"]);
    assert!(status.contains(start.stdout.trim()), "{start}");

    asked_for_by_name(&owner);
    says_what_it_keeps(&status);

    owner.builder("stop");
    assert!(owner.builder("status").contains("state:   stopped"));
    owner
        .gobuild()
        .args(["builder", "stop"])
        .succeeds()
        .says(&["not running"]);
    ends_by_itself(&owner);
    owner
        .gobuild()
        .args(["builder", "prune", "--all"])
        .succeeds()
        .says(&["removed "]);
}

/// It can be asked for where others are named, too.
fn asked_for_by_name(owner: &Owner) {
    let gobuild = owner.0.gobuild().args(["image", "--progress", "plain"]);
    let gobuild = gobuild.env("BUILDKIT_HOST", "unix:///nowhere/buildkitd.sock");
    gobuild
        .args(["--builder", "managed"])
        .succeeds()
        .says(&["(managed builder)"]);
}

/// The daemon has taken the limits that gobuild wrote, and mounts go before layers.
fn says_what_it_keeps(status: &str) {
    assert!(
        status.contains("stops:   after 30 minutes without a build"),
        "{status}"
    );
    let rules: Vec<&str> = status
        .lines()
        .filter_map(|line| line.strip_prefix("removes: "))
        .collect();
    let mounts = "source.local, exec.cachemount, source.git.checkout";
    let [unused, mounted, old, layers, all] = rules.as_slice() else {
        panic!("{status}")
    };
    assert_eq!(*unused, format!("{mounts} unused for 7 days, over 10.0 GB"));
    assert_eq!(*old, "layers and mounts unused for 60 days, over 10.0 GB");
    assert!(mounted.starts_with(mounts), "{status}");
    assert!(all.starts_with("anything, over "), "{status}");
    let over = |rule: &str| -> f64 {
        let (_, size) = rule.split_once(", over ").unwrap();
        size.split(' ').next().unwrap().parse().unwrap()
    };
    assert!(over(mounted) < over(layers), "{status}");
}

/// It ends when nobody builds, and a build that begins at that very moment succeeds.
fn ends_by_itself(owner: &Owner) {
    let gobuild = || owner.gobuild().env("GOBUILD_BUILDER_IDLE", "300ms");
    gobuild().args(["builder", "start"]).succeeds();
    let stopped = || owner.builder("status").contains("state:   stopped");
    let looks = (0..600).any(|_| {
        thread::sleep(Duration::from_millis(50));
        stopped()
    });
    assert!(looks, "it did not end: {}", owner.builder("status"));
    for pause in [150, 250, 300, 320, 340, 360, 400] {
        let run = gobuild().args(["image", "--progress", "plain"]).succeeds();
        run.says(&["(managed builder"]);
        thread::sleep(Duration::from_millis(pause));
    }
}

#[test]
fn without_buildkitd_on_path_the_message_says_what_to_do() {
    let sandbox = Sandbox::minimal("nobody");
    let run = sandbox
        .gobuild()
        .without("BUILDKIT_HOST")
        .arg("image")
        .env("PATH", go_alone(&sandbox))
        .fails_with(4);
    run.says(&["buildkitd", "hint: "]);
}

/// Returns a PATH with nothing but the `go` command.
fn go_alone(sandbox: &Sandbox) -> std::path::PathBuf {
    let folder = sandbox.out("bin");
    std::fs::create_dir(&folder).unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let go = std::env::split_paths(&path)
        .map(|folder| folder.join("go"))
        .find(|go| go.exists());
    std::os::unix::fs::symlink(go.unwrap(), folder.join("go")).unwrap();
    folder
}
