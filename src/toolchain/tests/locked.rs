//! Toolchains that a lock file knows.

use super::*;

/// Returns what a lock file says of the tree `module`.
fn packed(machine: &Machine) -> Packed {
    let tree = tree::Tree::read(&machine.tree("module"), &Platform::linux("amd64")).unwrap();
    let layer = tree.pack().unwrap();
    Packed {
        packer: PACKER,
        digest: layer.descriptor().digest().clone(),
        size: layer.descriptor().size(),
    }
}

#[test]
fn a_locked_toolchain_is_fetched_when_it_is_read_and_must_be_the_one() {
    let machine = Machine::new();
    toolchain(&machine.tree("module"), "src/_go.mod");
    machine.serves("module");
    let locked = packed(&machine);
    let prepared = |packed: Option<&Packed>| {
        let platform = Platform::linux("amd64");
        prepare(Kind::Proxy, VERSION, &platform, &machine.host, packed).unwrap()
    };
    let layout = prepared(Some(&locked));
    assert!(machine.calls().is_empty());
    assert_eq!(layout.identifier(), prepared(None).identifier());
    assert!(layer_of(&layout).is_ok());
    // A gobuild that packs otherwise looks for itself.
    let other = Packed {
        packer: PACKER + 1,
        ..locked.clone()
    };
    assert_eq!(prepared(Some(&other)).identifier(), layout.identifier());

    write(
        &machine.tree("module"),
        "src/fmt/print.go",
        "package fmt // altered\n",
    );
    let error = layer_of(&prepared(Some(&locked))).unwrap_err();
    let told = "is not the Go that the lock file names";
    assert!(error.to_string().contains(told), "{error}");
}

#[test]
fn what_ends_the_go_command_ends_the_search() {
    let machine = Machine::new();
    let calls = machine.tree("calls");
    let asked = |answer: &str| {
        let _ = fs::remove_file(&calls);
        machine.script(&format!(
            "[ \"$1\" = env ] && echo '{{\"GOPROXY\": \"http://a.test,http://b.test\"}}' && exit 0\n\
             echo \"$GOPROXY\" >>{}\n{answer}",
            calls.display()
        ));
        let platform = Platform::linux("amd64");
        let error = fetch(VERSION, &platform, &machine.host, || false).unwrap_err();
        (error, machine.calls().len())
    };
    let (error, count) = asked("exit 1");
    assert!(matches!(error, ToolchainError::Download { .. }), "{error}");
    assert_eq!(count, 3, "each proxy, then what go asks by itself");
    let (error, count) = asked("kill -TERM $$");
    assert_eq!(count, 1);
    let module = "golang.org/toolchain@v0.0.1-go1.26.3.linux-amd64";
    let told = format!("go mod download -json {module} was ended by signal 15");
    assert_eq!(error.to_string(), told);
}
