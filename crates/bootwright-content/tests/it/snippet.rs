//! The shell functions that templates include, run by the shell of this box against a server that a function stands in for.

use std::io::Write;
use std::process::{Command, Stdio};

use bootwright_content::{SNIPPETS, Template};

use crate::context;

/// Runs a script after the guard's functions, with `bootwright_get` in place of the network: it logs what is asked and
/// answers with the next line of `ANSWERS`. `sleep` takes no time.
fn run(answers: &str, script: &str) -> String {
    run_with("guard", answers, script)
}

/// The same after the functions of another snippet.
fn run_with(snippet: &str, answers: &str, script: &str) -> String {
    let include = format!("{{% include 'bootwright/{snippet}.sh' %}}");
    let functions = Template::compile("test", &include).expect("it is a template");
    let functions = functions.render(&context()).expect("it renders");
    let whole = format!(
        r#"set -u
{functions}
sleep() {{ :; }}
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
printf '{answers}' >"$work/answers"
bootwright_get() {{
    echo "GET $1" | sed "s,.*/r/[0-9a-f]*,GET run," >&2
    [ -s "$work/answers" ] || return 1
    head -n 1 "$work/answers"
    sed 1d "$work/answers" >"$work/rest" && mv "$work/rest" "$work/answers"
}}
disk=$work/disk
dd if=/dev/zero of="$disk" bs=65536 count=32 2>/dev/null
exec 2>&1
{script}
"#
    );
    let mut shell = Command::new("sh")
        .arg("-s")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("there is a shell");
    shell
        .stdin
        .take()
        .expect("its input")
        .write_all(whole.as_bytes())
        .expect("it reads");
    let output = shell.wait_with_output().expect("it ends");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn every_snippet_renders() {
    for (name, _) in SNIPPETS {
        let text = format!("{{% include \"{name}\" %}}");
        let rendered = Template::compile("test", &text).and_then(|template| template.render(&context()));
        assert!(
            rendered.is_ok_and(|text| text.contains("'http://192.0.2.1:8080/r/5a5a")),
            "{name}"
        );
    }
}

#[test]
fn an_empty_disk_is_reported_as_empty_and_go_lets_it_pass() {
    let said = run("go\\n", "bootwright_guard \"$disk\" && echo passed");
    assert_eq!(said, "GET run/progress?stage=guard&serial=&content=empty\npassed\n");
}

#[test]
fn a_disk_with_anything_on_it_is_not_empty() {
    let said = run(
        "stop disk X is not empty\\nok\\n",
        "printf x | dd of=\"$disk\" bs=1 seek=700000 conv=notrunc 2>/dev/null\nbootwright_guard \"$disk\" || echo refused",
    );
    assert_eq!(
        said,
        "GET run/progress?stage=guard&serial=&content=data%20of%20no%20known%20kind\n\
         bootwright:  disk X is not empty\n\
         GET run/fail?reason=%20disk%20X%20is%20not%20empty\nrefused\n"
    );
}

#[test]
fn what_a_small_ramdisk_has_no_tool_for_is_not_taken_for_empty() {
    let look = |tools: &str, write: &str| {
        let script = format!(
            "{write}\nmkdir \"$work/bin\"\nfor tool in rm dd {tools}; do ln -s \"$(command -v $tool)\" \"$work/bin/\"; done\n\
             PATH=$work/bin\nbootwright_disk_content \"$disk\""
        );
        run("", &script)
    };
    let line_break = "printf '\\n' | dd of=\"$disk\" bs=1 seek=700000 conv=notrunc 2>/dev/null";
    assert_eq!(look("tr wc", ":"), "empty");
    assert_eq!(look("tr head", ":"), "empty");
    assert_eq!(look("tr wc", line_break), "data of no known kind");
    assert_eq!(look("tr head", line_break), "data of no known kind");
    assert_eq!(look("tr", ":"), "data that nothing here can look at");
}

#[test]
fn waiting_goes_on_until_somebody_decides() {
    let said = run(
        "wait\\nwait for the operator\\ngo\\n",
        "bootwright_guard \"$disk\" && echo passed",
    );
    assert_eq!(said.matches("stage=guard").count(), 3);
    assert!(said.ends_with("passed\n"), "{said}");
}

#[test]
fn silence_is_no_permission() {
    let said = run("", "bootwright_guard \"$disk\" || echo refused");
    assert_eq!(said.matches("stage=guard").count(), 60);
    assert!(said.ends_with("refused\n"), "{said}");
}

#[test]
fn an_answer_that_is_not_go_is_no_permission() {
    for answer in ["gone", "<html>go</html>", "GO", "go away"] {
        let said = run(&format!("{answer}\\n"), "bootwright_guard \"$disk\" || echo refused");
        assert!(said.ends_with("refused\n"), "{answer}: {said}");
    }
}

#[test]
fn no_disk_and_several_disks_are_refused_without_a_question() {
    for disks in ["", "\"$disk\" \"$disk\"", "/dev/does-not-exist"] {
        let said = run("ok\\n", &format!("bootwright_guard {disks} || echo refused"));
        assert!(
            !said.contains("stage=guard") && said.ends_with("refused\n"),
            "{disks}: {said}"
        );
    }
}

#[test]
fn done_is_repeated_until_it_is_heard_and_progress_is_not() {
    let said = run(
        "",
        "bootwright_report progress pct=50 && echo went on\nbootwright_report done || echo lost",
    );
    assert_eq!(said.matches("GET run/progress?pct=50").count(), 1);
    assert_eq!(said.matches("GET run/done?").count(), 12);
    assert!(said.contains("went on\n") && said.ends_with("lost\n"), "{said}");
}

#[test]
fn words_of_a_report_cannot_add_to_its_query() {
    let said = run("ok\\n", "bootwright_report fail 'reason=a&b=c d#e %41\"'");
    assert_eq!(said, "GET run/fail?reason=a%20b=c%20d%20e%2041%20\n");
}

#[test]
fn a_wiped_disk_is_empty_and_was_asked_about_first() {
    let said = run_with(
        "wipe",
        "go\\nok\\n",
        "dd if=/dev/zero of=\"$disk\" bs=1048576 count=40 2>/dev/null\n\
         for at in 0 700 16000 39999; do printf data | dd of=\"$disk\" bs=1024 seek=$at conv=notrunc 2>/dev/null; done\n\
         bootwright_wipe \"$disk\" && tr -d '\\000' <\"$disk\" | wc -c && wc -c <\"$disk\"",
    );
    assert_eq!(
        said.replace('\t', ""),
        format!(
            "GET run/progress?stage=guard&serial=&content=data%20of%20no%20known%20kind\n\
             GET run/progress?stage=wipe&msg={}\n0\n41943040\n",
            said.split("msg=")
                .nth(1)
                .and_then(|rest| rest.lines().next())
                .unwrap_or_default()
        )
    );
}

#[test]
fn of_several_disks_none_is_written_to_if_one_is_refused() {
    let said = run_with(
        "wipe",
        "go\\nstop disk B is not empty\\nok\\n",
        "printf first | dd of=\"$disk\" conv=notrunc 2>/dev/null\ncp \"$disk\" \"$work/b\"\n\
         bootwright_wipe \"$disk\" \"$work/b\" || head -c 5 \"$disk\"",
    );
    assert_eq!(said.matches("stage=guard").count(), 2, "{said}");
    assert!(said.ends_with("first") && !said.contains("stage=wipe"), "{said}");
    let said = run_with("wipe", "", "bootwright_wipe || echo refused");
    assert!(!said.contains("stage=guard") && said.ends_with("refused\n"), "{said}");
}

/// A tree as the kernel shows a machine, with texts in it that could end the report.
const MACHINE: &str = r#"bootwright_sys=$work/sys bootwright_proc=$work/proc
mkdir -p "$work/proc" "$work/sys/block/loop0" "$work/sys/class/dmi/id" "$work/sys/class/net/lo"
mkdir -p "$work/sys/class/net/eno1/device"
echo 'MemTotal:        1998848 kB' >"$work/proc/meminfo"
printf 'processor : 0\nmodel name\t: Xeon "E" \\ 9\nprocessor : 1\n' >"$work/proc/cpuinfo"
printf 'Evil", "x": {"\n}}' >"$work/sys/class/dmi/id/product_name"
echo 52:54:00:00:00:07 >"$work/sys/class/net/eno1/address"
echo 1 >"$work/sys/class/net/eno1/carrier"
echo 8 >"$work/sys/block/loop0/size"
"#;

#[test]
fn a_machine_is_described_in_json_whatever_its_firmware_says() {
    let said = run_with("discover", "", &format!("{MACHINE}bootwright_facts"));
    let facts: serde_json::Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert_eq!(facts["memory_mib"], 1952);
    assert_eq!(facts["cpu"], serde_json::json!({"model": "Xeon E  9", "count": 2}));
    assert_eq!(facts["dmi"]["product"], "Evil, x: {");
    assert_eq!(facts["firmware"], "bios");
    assert_eq!(facts["disks"], serde_json::json!([]));
    assert_eq!(
        facts["cards"],
        serde_json::json!([{"name": "eno1", "link": true, "mac": "52:54:00:00:00:07"}])
    );
}

#[test]
fn a_report_that_is_not_heard_is_said_again_and_then_given_up() {
    let send = "bootwright_post() { echo \"POST\" >&2; return 1; }\nbootwright_discover || echo lost";
    let said = run_with("discover", "", &format!("{MACHINE}{send}"));
    assert_eq!(said.matches("POST").count(), 12, "{said}");
    assert!(said.ends_with("lost\n"), "{said}");
}
